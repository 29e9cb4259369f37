"""Starts `oracle` on many cases at once, and compares its verdicts with ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from tests.sd_scripts.harness import Base, Scripts
from wrapper.kohya.check import check
from wrapper.kohya.checks.options import CARRIED

ORACLE = Path(__file__).with_name("oracle.py")
TIMEOUT_S = 3600


def ask_all(
    scripts: Scripts, base: Base, cases: Sequence[dict[str, Any]], folder: Path
) -> dict[str, dict[str, Any]]:
    """What sd-scripts makes of each case, by the case's id."""
    asked, answers = folder / "cases.json", folder / "answers.jsonl"
    named = [{**case, "base": str(base.file), "tokenizers": str(base.tokenizers)} for case in cases]
    asked.write_text(json.dumps(named), encoding="utf-8")
    argv = [str(scripts.python), "-W", "ignore", str(ORACLE), str(scripts.checkout), str(asked), str(answers)]
    environment = {**os.environ, **scripts.env(base)}
    done = subprocess.run(
        argv, env=environment, capture_output=True, encoding="utf-8", timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = map(json.loads, filter(None, answers.read_text(encoding="utf-8").split("\n")))
    return {answer["id"]: answer for answer in lines}


def has_trained(answer: dict[str, Any]) -> bool:
    """Whether it trained, and knew every key of the training file."""
    return answer["end"] == "trained" and set(answer["unknown"]) <= set(CARRIED)


def our_verdict(case: dict[str, Any]) -> tuple[list[str], int]:
    """Our errors about a case, and the steps that we count; called in the case's folder."""
    argv = case["argv"]
    dataset = Path(argv[3]) if len(argv) > 2 else None
    try:
        report = check(Path(argv[1]), dataset, case["script"], "sd-scripts", base=False)
    except UserError as error:
        return [f"{error.message} {error.hint}"], 0
    return [str(problem) for problem in report.errors], report.steps.steps
