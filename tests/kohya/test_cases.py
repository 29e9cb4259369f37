"""Our check's verdict on a table of files; ``real/`` asks sd-scripts itself about the same table."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.kohya.cases.case import Case, write_case
from tests.kohya.cases.table import TABLE
from wrapper.kohya.check import check
from wrapper.kohya.report import Report


def ask(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    argv = write_case(case, folder)
    monkeypatch.chdir(folder)
    dataset = Path(argv[3]) if len(argv) > 2 else None
    return check(Path(argv[1]), dataset, case.script, "sd-scripts", base=False)


def test_the_table_is_long_and_its_names_are_its_own():
    assert len(TABLE) >= 150
    assert len({case.id for case in TABLE}) == len(TABLE)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.id)
def test_the_check_lets_through_what_trains_and_nothing_else(case, tmp_path, monkeypatch):
    try:
        report = ask(case, tmp_path / "a case", monkeypatch)
        errors = [str(problem) for problem in report.errors]
    except UserError as error:
        errors = [f"{error.message} {error.hint}"]
    assert (not errors) == case.trains, errors
    if errors:
        assert any(case.said in error for error in errors), errors
    elif case.steps is not None:
        assert report.steps.steps == case.steps
