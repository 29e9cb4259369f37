"""COMMANDS.md and CONFIGURATION.md are what the code gives, and say something of everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs.reference import __main__ as reference
from docs.reference.environment import INTERNAL, VARIABLES
from docs.reference.markdown import prose, table
from tests.docs.console import DOCS
from wrapper.trainer.options import TRAIN_OPTIONS

ROOT = DOCS.parent


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_page_is_what_the_code_gives(name: str):
    changes = reference.changes(name)
    shown = "\n".join(changes[:20])
    assert not changes, f"docs/{name} is out of date. Write it again: {reference.AGAIN}\n{shown}"


def test_check_tells_a_page_that_is_out_of_date_and_the_same_command_writes_it(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    refused = CliRunner().invoke(reference.main, ["--check"])
    assert refused.exit_code == 1
    assert f"Write them with `{reference.AGAIN}`" in refused.output
    assert not list(tmp_path.iterdir())
    assert CliRunner().invoke(reference.main).exit_code == 0
    assert CliRunner().invoke(reference.main, ["--check"]).exit_code == 0
    (tmp_path / "COMMANDS.md").write_text("# Commands\n", encoding="utf-8")
    refused = CliRunner().invoke(reference.main, ["--check"])
    assert "COMMANDS.md: not what" in refused.output


def test_every_environment_variable_of_ours_is_explained():
    code = [path for top in ("wrapper", "dataset_tools", "vendor") for path in (ROOT / top).rglob("*.py")]
    named = {name for path in code for name in re.findall(r"LORAWRAP_[A-Z_]+", path.read_text("utf-8"))}
    assert named == {*INTERNAL, *(name for name in VARIABLES if name.startswith("LORAWRAP_"))}


def test_every_key_that_the_embedded_trainer_honours_says_what_it_does():
    silent = [name for name, option in TRAIN_OPTIONS.items() if not option.help and not option.refusal]
    assert silent == []


def test_markup_in_words_of_ours_is_no_markup_on_the_page():
    assert prose("<lora:NAME:1> and *.png") == "&lt;lora:NAME:1> and \\*.png"
    assert prose("`<lora:NAME:1>` as it is") == "`<lora:NAME:1>` as it is"
    assert (
        table(("a", "b", "c"), [("x|y", "", "two\nlines")])
        == "| a | c |\n| --- | --- |\n| x\\|y | two lines |"
    )
