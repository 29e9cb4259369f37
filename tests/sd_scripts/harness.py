"""The real sd-scripts, shrunk: where they are, what base they train, and how they are started.

`Scripts` names a checkout and its Python. `Scripts.env` is the environment in which its scripts build models
of a tiny base's size, offline; `Scripts.run` starts one of them without accelerate's launcher.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.single_files import make_single_file
from wrapper.base_model.architecture import read_configs
from wrapper.base_model.detect import detect

SHRINK = Path(__file__).parent / "shrink"
TOKENIZERS = ("openai_clip-vit-large-patch14", "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k")
TIMEOUT_S = 300


@dataclass(frozen=True)
class Base:
    """A base model in one file, and beside it the tokenizers and the sizes that shrunk scripts need."""

    file: Path
    sizes: Path
    tokenizers: Path
    """For ``--tokenizer_cache_dir``, and for ``LORAWRAP_TOKENIZER_DIR``."""


@dataclass(frozen=True)
class Scripts:
    """A checkout of sd-scripts and the Python of its environment."""

    checkout: Path
    python: Path

    def env(self, base: Base) -> dict[str, str]:
        """What is set over the environment of a process that trains ``base``."""
        return {
            "LORAWRAP_SD_SCRIPTS": str(self.checkout),
            "LORAWRAP_SD_SCRIPTS_PYTHON": str(self.python),
            "LORAWRAP_SHRUNK_SIZES": str(base.sizes),
            "LORAWRAP_TOKENIZER_DIR": str(base.tokenizers),
            "PYTHONPATH": str(SHRINK),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "250",
        }

    def run(
        self, base: Base, script: Path | str, arguments: Sequence[str], env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``script`` (of the checkout, or a path) to its end; the output is in ``stdout``."""
        argv = [str(self.python), str(self.checkout / script), *arguments]
        return subprocess.run(
            argv,
            env={**os.environ, **self.env(base), **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )


def make_base(diffusers: Path, folder: Path) -> Base:
    """The tiny base of a ``diffusers`` folder as one file for shrunk scripts, all of it in ``folder``."""
    file = make_single_file(diffusers, folder / f"{diffusers.name}.safetensors")
    sizes = folder / "sizes.json"
    sizes.write_text(json.dumps(asdict(read_configs(detect(file)))), encoding="utf-8")
    tokenizers = folder / "tokenizers"
    for name in TOKENIZERS:
        shutil.copytree(diffusers / "tokenizer", tokenizers / name, dirs_exist_ok=True)
    return Base(file, sizes, tokenizers)


def train_arguments(base: Base, output: Path, **values: object) -> list[str]:
    """Arguments of ``train_network.py`` for a few steps of ``base``; True is a flag, None leaves one out."""
    merged: dict[str, object] = {
        "pretrained_model_name_or_path": base.file,
        "tokenizer_cache_dir": base.tokenizers,
        "output_dir": output,
        "output_name": "tiny",
        "save_model_as": "safetensors",
        "network_module": "networks.lora",
        "network_dim": 2,
        "network_alpha": 1,
        "learning_rate": 1e-3,
        "max_train_steps": 2,
        "max_data_loader_n_workers": 0,
        "mixed_precision": "no",
        "seed": 1,
        **values,
    }
    words: list[str] = []
    for key, value in merged.items():
        if value is None or value is False:
            continue
        words += [f"--{key}"] if value is True else [f"--{key}", str(value)]
    return words
