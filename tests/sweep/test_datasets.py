"""A sweep's own datasets take over what was found out for others."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.known_answers import known_answers
from wrapper.project.layout import ProjectPaths
from wrapper.steps.dataset import ANSWERS
from wrapper.sweep.planning.datasets import take_answers


def answer(paths: ProjectPaths, found: str) -> str:
    with known_answers(paths.cache / ANSWERS) as ask:
        return ask(["caption", "b6"], lambda: found)


def projects(root: Path, *names: str) -> list[ProjectPaths]:
    return [ProjectPaths(root / name) for name in names]


def test_what_models_said_is_not_asked_again(tmp_path: Path):
    parent, first, second = projects(tmp_path / "проект 'q' 🙂", "parent", "a", "b")
    take_answers(first, [parent])
    assert not first.cache.exists()
    assert answer(first, "an ear") == "an ear"
    take_answers(second, [parent, first, second])
    assert answer(second, "another model's word") == "an ear"


def test_what_a_dataset_knows_itself_stays(tmp_path: Path):
    parent, own = projects(tmp_path, "parent", "own")
    answer(parent, "an old word")
    answer(own, "its own word")
    take_answers(own, [parent])
    assert answer(own, "") == "its own word"
