"""A second plan of a dataset asks BLIP, and looks at masks, for nothing that it knows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from dataset_tools.building.build import up_to_date
from dataset_tools.errors import UserError
from dataset_tools.files import data_hash
from dataset_tools.known_answers import known_answers
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.quality.qc_report import write_reports
from tests.dataset_tools.test_build import Photos, records_of
from tests.dataset_tools.tiny_blip import make_blip
from wrapper.project.load import Project, load_project
from wrapper.steps.dataset import ANSWERS, build_dataset, plan_dataset

NAMES = ("a", "b", "side", "held")
PROJECT = """
[manifest]
path = "manifest.json"
[crop]
size = 64
[captions]
source = "blip"
blip_model = "модель 'q' 🙂"
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [make_blip(tmp_path_factory.mktemp("blip") / str(seed), seed) for seed in (0, 1)]


def inspect(root: Path) -> None:
    """QC's word on every picture as it is now."""
    write_reports(records_of(read_manifest(root / "manifest.json")), root / "qc")


@pytest.fixture
def project(tmp_path: Path, models: list[Path]) -> Project:
    photos = Photos(tmp_path / "проект 'é' 🙂")
    for name in NAMES:
        photos.add(name, split="holdout" if name == "held" else None)
    photos.manifest()
    inspect(photos.root)
    (photos.root / "lorawrap.toml").write_text(PROJECT, encoding="utf-8")
    shutil.copytree(models[0], photos.root / "модель 'q' 🙂")
    return load_project(photos.root)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often the model was run, and a mask was read to be planned with."""
    from transformers import BlipForConditionalGeneration

    counts = {"model": 0, "masks": 0}

    def counted(what: str, call: Callable) -> Callable:
        def counting(*args: object, **how: object) -> object:
            counts[what] += 1
            return call(*args, **how)

        return counting

    from dataset_tools.building import candidates

    generate = counted("model", BlipForConditionalGeneration.generate)
    monkeypatch.setattr(BlipForConditionalGeneration, "generate", generate)
    monkeypatch.setattr(candidates, "read_mask", counted("masks", candidates.read_mask))
    candidates.blip_caption.__globals__["load_blip"].cache_clear()
    return counts


def asked(seen: dict[str, int], project: Project, **how: bool) -> tuple[int, int]:
    seen.update(model=0, masks=0)
    plan_dataset(project, **how)
    return seen["model"], seen["masks"]


def turn(path: Path) -> None:
    Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)


def test_a_second_build_asks_nothing_and_changes_nothing(project: Project, seen: dict[str, int]):
    before = build_dataset(project)
    assert seen == {"model": 4, "masks": 4}
    assert asked(seen, project) == (0, 0)
    planned = plan_dataset(project)
    assert planned.built == before
    assert up_to_date(planned, project.paths.dataset)


def test_only_what_changed_is_asked_again(project: Project, seen: dict[str, int]):
    assert asked(seen, project) == (4, 4)
    turn(project.paths.root / "photos" / "a.png")
    inspect(project.paths.root)
    assert asked(seen, project) == (1, 0)
    turn(project.paths.root / "photos" / "b.mask.png")
    assert asked(seen, project) == (0, 1)
    (project.paths.root / "photos" / "side.png").touch()
    inspect(project.paths.root)
    assert asked(seen, project) == (0, 0)


def test_another_model_is_asked_of_every_picture(project: Project, seen: dict[str, int], models: list[Path]):
    assert asked(seen, project) == (4, 4)
    model = project.paths.root / "модель 'q' 🙂"
    shutil.rmtree(model)
    shutil.copytree(models[1], model)
    assert asked(seen, project) == (4, 0)


def test_what_a_stopped_plan_found_out_is_known_and_a_dry_run_keeps_nothing(project, seen, monkeypatch):
    assert asked(seen, project, generate=False) == (4, 4)
    assert not (project.paths.cache / ANSWERS).exists()
    with monkeypatch.context() as patch:
        patch.setattr("dataset_tools.building.candidates.read_rgb", _stopping())
        with pytest.raises(KeyboardInterrupt):
            plan_dataset(project)
    assert asked(seen, project) == (2, 1)
    assert asked(seen, project, generate=False) == (0, 0)


def _stopping() -> Callable[[Path], object]:
    """Two pictures are read, then Ctrl-C is pressed."""
    from dataset_tools.pictures.images import read_rgb

    read: list[Path] = []

    def stopping(path: Path) -> object:
        read.append(path)
        if len(read) > 2:
            raise KeyboardInterrupt
        return read_rgb(path)

    return stopping


@pytest.mark.parametrize("spoiled", ["[1", "", None, 3, b"\xff"], ids=repr)
def test_a_spoiled_answer_is_one_sentence(tmp_path: Path, spoiled: object):
    path = tmp_path / "ответы 'é'.sqlite"
    with known_answers(path) as ask:
        ask(["a"], list)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE answers")
        connection.execute("CREATE TABLE answers (question, answer)")
        connection.execute("INSERT INTO answers VALUES (?, ?)", [data_hash(["a"]), spoiled])
    with pytest.raises(UserError, match=r"cannot be used .*spoiled") as caught, known_answers(path) as ask:
        ask(["a"], list)
    assert caught.value.hint == "Remove it: it only saves time."


def test_an_answer_is_that_of_its_whole_question(tmp_path: Path):
    path = tmp_path / "ответы 'é'.sqlite"
    with known_answers(path) as ask:
        assert [ask(["a", 1], lambda: [1, "é"]), ask(["a", 2], lambda: None)] == [[1, "é"], None]
        with pytest.raises(ZeroDivisionError):
            ask(["b"], lambda: 1 / 0)
    with known_answers(path, keep=False) as ask:
        assert [ask(["a", 1], dict), ask(["a", 2], dict), ask(["b"], lambda: 3)] == [[1, "é"], None, 3]
    with known_answers(path) as ask:
        assert ask(["b"], lambda: 4) == 4
