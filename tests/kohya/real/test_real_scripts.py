"""sd-scripts itself, asked about the table of cases and about random changes of good files."""

from __future__ import annotations

import os

import pytest

from tests.kohya.cases.case import write_case
from tests.kohya.cases.table import TABLE
from tests.kohya.real.asking import ask_all, has_trained, our_verdict
from tests.kohya.real.mutations import write_all

pytestmark = pytest.mark.sd_scripts
COUNT, SEED = int(os.environ.get("LORAWRAP_MUTATIONS", "60")), 7


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_table_says_what_sd_scripts_does(newest_scripts, single_base, tmp_path, kind):
    script = "sdxl_train_network" if kind == "sdxl" else "train_network"
    cases = [case for case in TABLE if case.script == script and not case.not_asked]
    asked = [
        {
            "id": case.id,
            "folder": str(tmp_path / str(number)),
            "script": script,
            "argv": write_case(case, tmp_path / str(number)),
        }
        for number, case in enumerate(cases)
    ]
    answers = ask_all(newest_scripts, single_base(kind), asked, tmp_path)
    wrong = [
        (case.id, answers[case.id]["end"])
        for case in cases
        if has_trained(answers[case.id]) != (case.trains or case.silent)
        or (case.steps is not None and answers[case.id]["steps"] != case.steps)
    ]
    assert wrong == []


def test_nothing_that_fails_is_let_through_and_steps_are_right(
    newest_scripts, single_base, tmp_path, monkeypatch
):
    """What we refuse although it trains is not compared here: much of it is ignored in silence."""
    cases = write_all(tmp_path / "cases", COUNT, SEED)
    answers = ask_all(newest_scripts, single_base("sd15"), cases, tmp_path)
    wrong = []
    for case in cases:
        monkeypatch.chdir(case["folder"])
        errors, steps = our_verdict(case)
        answer = answers[case["id"]]
        if not errors and not (has_trained(answer) and answer["steps"] == steps):
            wrong.append((case["folder"], answer["end"], answer.get("steps"), steps))
    assert wrong == []
