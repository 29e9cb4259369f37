"""A small project on tiny bases in single files, and our own command line on it, as a child process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kohya.projects import NAME
from tests.kohya.projects import make_project as make_folders
from tests.sd_scripts.harness import TIMEOUT_S, Base
from wrapper.project.load import Project, load_project

ROOT = Path(__file__).parent.parent.parent
KOHYA: dict[str, Any] = {"max_train_steps": 4, "network_dim": 2, "network_alpha": 1, "save_state": False}


def make_project(
    root: Path, base: Base, inpaint: Base | None = None, *, stage_a: bool = True, **kohya: Any
) -> Project:
    """Four captioned pictures with masks and two regularisation images; ``kohya`` is set for both stages.

    Without ``stage_a`` Stage B does not start from its LoRA.
    """
    make_folders(root)
    values = {**KOHYA, "tokenizer_cache_dir": str(base.tokenizers), **kohya}
    lines = ["[project]", f"name = {_toml(NAME)}", "[base]", f"model = {_toml(str(base.file))}"]
    lines += [f"inpaint_model = {_toml(str((inpaint or base).file))}"]
    for stage in ("stage_a", "stage_b"):
        lines += [f"[{stage}]", 'preset = "cpu"', f"[{stage}.kohya]"]
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
    if not stage_a:
        lines.insert(lines.index("[stage_a]") + 1, "enabled = false")
    (root / "lorawrap.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_project(root)


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def lorawrap(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """``lorawrap`` with ``arguments`` to its end; the output is in ``stdout``."""
    return subprocess.run(
        [sys.executable, "-m", "wrapper", *arguments],
        env={**os.environ, **(env or {})},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


def train(project: Project, stage: str, *more: str) -> subprocess.CompletedProcess[str]:
    """``lorawrap train STAGE --engine sd-scripts`` on the CPU."""
    where = ("--project", str(project.paths.root), "--engine", "sd-scripts", "--device", "cpu")
    return lorawrap("train", stage, *where, *more)
