"""What came out of a sweep: ``results.json``, ``results.csv`` and ``sweep.html`` in its folder."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataset_tools.files import text_file, write_json
from dataset_tools.quality.qc_report import cell, readable
from wrapper.evaluation.comparing import Gap
from wrapper.evaluation.metrics import present
from wrapper.sweep.outcome.page.page import write_page
from wrapper.sweep.outcome.ranking import Ranking
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.words import ranking_words
from wrapper.sweep.trials import Sweep
from wrapper.toml_text import to_toml

JSON, CSV = "results.json", "results.csv"


def write_results(sweep: Sweep, ranking: Ranking) -> list[Path]:
    """Write the three, each whole, and return where they lie, the page last."""
    write_json(sweep.folder / JSON, as_data(ranking))
    _write_table(sweep.folder / CSV, ranking)
    return [sweep.folder / JSON, sweep.folder / CSV, write_page(sweep, ranking)]


def as_data(ranking: Ranking) -> dict[str, Any]:
    """The ranking as JSON: figures that are no numbers are null, paths are from the sweep's folder."""
    best, metric = ranking.best, ranking.metric
    told = {
        "sweep": ranking.sweep.name,
        "stage": ranking.stage,
        "metric": metric.name if metric else None,
        "higher_is_better": metric.higher_is_better if metric else None,
        "best": best.id if best else None,
        "text": ranking_words(ranking),
        "keys": list(ranking.sweep.keys),
        "groups": [
            {"trials": [row.id for row in group.rows], "images": group.standing.units, "base": group.base}
            for group in ranking.groups
        ],
        "trials": [_trial(ranking, row) for row in ranking.rows],
    }
    return _finite(told)


def _trial(ranking: Ranking, row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "place": row.place,
        "group": row.group,
        "settings": dict(row.trial.settings),
        "mean": row.mean,
        "behind": _gap(row.behind),
        "gain": _gap(row.gain),
        "best_chance": row.best_chance,
        "measures": dict(row.measures),
        "why": row.why,
        "checkpoint": row.measured.checkpoint.title if row.measured else "",
        "lora": lora_place(ranking.sweep, row),
        "steps": row.trained.steps,
        "loss": row.trained.loss,
        "minutes": row.trained.minutes,
        "where": row.trained.where,
        "log": row.log,
    }


def _gap(gap: Gap | None) -> dict[str, Any] | None:
    if gap is None:
        return None
    return {key: value for key, value in asdict(gap).items() if key != "over"} | {"noise": gap.is_noise}


def lora_place(sweep: Sweep, row: Row) -> str:
    """Where the LoRA file lies, from the sweep's folder; empty for a trial without a measured one."""
    if row.measured is None:
        return ""
    return Path(os.path.relpath(row.measured.lora.resolve(), sweep.folder.resolve())).as_posix()


def _finite(data: Any) -> Any:
    """``data`` with null for what JSON has no number for."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data


def _write_table(path: Path, ranking: Ranking) -> None:
    """A line a trial, the best first; text that a spreadsheet would calculate is kept from it."""
    metrics = [metric.name for metric in present(name for row in ranking.rows for name in row.measures)]
    keys = list(ranking.sweep.keys)
    rows = [_flat(one, metrics, keys) for one in as_data(ranking)["trials"]]
    with text_file(path) as stream:
        table = csv.DictWriter(stream, list(rows[0]) if rows else ["id"], lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({key: readable(cell(value)) for key, value in row.items()})


def _flat(trial: Mapping[str, Any], metrics: list[str], keys: list[str]) -> dict[str, Any]:
    first = ("place", "id", "status")
    last = ("checkpoint", "lora", "steps", "loss", "minutes", "where", "why", "log")
    ends = {
        f"{name}_{end}": (trial[name] or {}).get(end)
        for name in ("behind", "gain")
        for end in ("mean", "low", "high")
    }
    return {
        **{name: trial[name] for name in first},
        **{key: _one(trial["settings"].get(key)) for key in keys},
        **{name: trial["measures"].get(name) for name in metrics},
        "ranked_by": trial["mean"],
        "first_in": trial["best_chance"],
        **ends,
        **{name: trial[name] for name in last},
    }


def _one(value: Any) -> Any:
    """A setting as one cell."""
    return (
        value
        if isinstance(value, int | float | str | type(None)) and not isinstance(value, bool)
        else to_toml(value)
    )
