"""The embedded trainer against sd-scripts, on the same base, pictures and settings, taking turns in one run.

``python benchmarks/engines.py`` needs LORAWRAP_SD_SCRIPTS and LORAWRAP_SD_SCRIPTS_PYTHON. Prints seconds a
step (median; the first two are left out) and peak memory. On a GPU it trains SD 1.5's own size at 512 px.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.machine import report
from benchmarks.random_base import random_base
from benchmarks.trainers import ENGINES, Engine, Measured, Training, measure, size_options


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(options.width, 9 if options.stage_b else 4, Path(folder))
        training = Training(
            base, options.stage_b, options.resolution, options.batch, options.steps, _values(options)
        )
        runs: dict[Engine, list[Measured]] = {engine: [] for engine in ENGINES}
        for place in range(options.rounds):
            for engine in ENGINES if place % 2 == 0 else reversed(ENGINES):
                runs[engine].append(measure(engine, training, options.threads))
    rows = [_row(engine, measured, runs["sd-scripts"]) for engine, measured in runs.items()]
    report(rows, options.json)


def _options() -> argparse.Namespace:
    parser = size_options(__doc__, batch=1, steps=12, rounds=3)
    parser.add_argument("--stage-b", action="store_true")
    parser.add_argument("--unet-only", action="store_true")
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--uncached", action="store_true")
    return parser.parse_args()


def _values(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "network_dim": 16,
        "network_alpha": 8,
        "optimizer_type": "AdamW",
        "learning_rate": 1e-4,
        "cache_latents": not options.uncached,
        "gradient_checkpointing": options.checkpointing,
        "network_train_unet_only": options.unet_only or options.stage_b,
        "mixed_precision": options.mixed_precision,
    }


def _row(engine: Engine, runs: Sequence[Measured], others: Sequence[Measured]) -> dict[str, Any]:
    cpu = statistics.median(run.median_cpu_s for run in runs)
    return {
        "trainer": engine,
        "CPU s a step": cpu,
        "lowest": min(run.median_cpu_s for run in runs),
        "highest": max(run.median_cpu_s for run in runs),
        "wall s a step": statistics.median(run.median_wall_s for run in runs),
        "peak MiB": statistics.median(run.peak_mib for run in runs),
        "speed against sd-scripts": statistics.median(run.median_cpu_s for run in others) / cpu,
    }


if __name__ == "__main__":
    main()
