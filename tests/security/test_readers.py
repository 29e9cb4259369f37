"""Outside data are read in one bounded way; no text is run; a name on the command line stays put."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from tests.kohya.projects import make_project
from tests.test_architecture import ROOT, modules
from wrapper.cli.main import run

OURS = {
    "dataset_tools/captioning/phrases.py",
    "dataset_tools/data_text.py",
    "dataset_tools/quality/thresholds.py",
    "wrapper/export/companions/graphs.py",
    "wrapper/kohya/options.py",
    "wrapper/kohya/pages.py",
    "wrapper/kohya/presets.py",
    "wrapper/lora/file.py",
    "wrapper/safetensors_header.py",
}
"""They read what is shipped, what they wrote a moment ago, or bound it themselves."""
OTHERS = ("wrapper/sd_scripts/", "wrapper/demo/")
"""They read what an installation or a drawn demo wrote."""
UNBOUNDED = {"json.loads", "json.load", "tomllib.loads", "tomllib.load"}
NEVER = {"pickle.load", "eval", "exec", "os.system", "np.load", "numpy.load", "yaml.load", "yaml.unsafe_load"}


def called(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_json_and_toml_from_outside_are_read_in_one_bounded_way():
    found = set()
    for path in modules():
        name = path.relative_to(ROOT).as_posix()
        if name not in OURS and not name.startswith(OTHERS) and called(path) & UNBOUNDED:
            found.add(name)
    assert found == set()


def test_nothing_runs_a_text_or_opens_an_object():
    found = {path.relative_to(ROOT).as_posix(): called(path) & NEVER for path in modules()}
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_no_process_is_started_through_a_shell():
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "shell":
                assert ast.unparse(node.value) == "False", path


@pytest.mark.parametrize(
    "name", ["../../etc", "/etc/passwd", "stage_a-001/../../x", "..", "a\0b", "x" * 5000]
)
def test_a_runs_name_leads_nowhere_else(name, tmp_path, monkeypatch, capsys):
    project = make_project(tmp_path / "проект 'a' 🙂")
    monkeypatch.chdir(project.paths.root)
    before = sorted(os.walk(tmp_path))
    assert run(["runs", "show", name]) == 2
    assert run(["runs", "resume", name]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(os.walk(tmp_path)) == before
