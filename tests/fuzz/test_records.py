"""What our own commands wrote, in a project that came from elsewhere: an answer, or one sentence.

JSON keeps its form here and changes in one place: a value of another kind, a key that is gone, one too many.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.building.dataset import read_dataset
from dataset_tools.quality.measured_store import CACHE, measured_store
from dataset_tools.quality.qc_report import each_record
from tests.fuzz.mutated import mutated, tries
from tests.fuzz.reading import told
from tests.report.projects import make_project
from wrapper.evaluation.taken import FILE as CHOICE
from wrapper.evaluation.taken import taken_checkpoint
from wrapper.export.job import RECORD
from wrapper.launch.endings.explain import explain
from wrapper.project.layout import ProjectPaths
from wrapper.project.load import Project
from wrapper.report.report import render
from wrapper.runs.listing import facts, list_runs, next_after, setting_rows
from wrapper.runs.settings import run_settings

ODD = (None, True, -1, 0, 1e308, "", "x", "../../x", "\ud83d", "<script>", [], {}, [[]], {"": None}, 10**30)
CHOSEN = {
    "dataset_key": "0" * 64,
    "stages": {
        "stage_a": {
            "metric": "loss",
            "chosen": {"title": "epoch 1", "file": "loras/a.safetensors", "sha256": "0"},
            "last": {"title": "epoch 2", "file": "loras/b.safetensors", "sha256": "0"},
            "why": "less loss",
        }
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("records 'Ж' 🙂"))
    (made.paths.root / CHOICE).write_text(json.dumps(CHOSEN), encoding="utf-8")
    return made


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in ``value``."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*place, key)
        yield from places(part, (*place, key))


@st.composite
def changed(draw: Callable, value: Any) -> Any:
    """``value`` with up to three places changed, or something else altogether."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.sampled_from(ODD))
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(list(places(value)) or [None]))
        if way is None:
            break
        inner = value
        for key in way[:-1]:
            inner = inner[key]
        if draw(st.booleans()):
            inner[way[-1]] = draw(st.sampled_from(ODD))
        else:
            del inner[way[-1]]
    return value


def report_of(project: Project) -> None:
    told(partial(render, project))


def runs_of(project: Project) -> None:
    told(partial(list_runs, project.paths))
    for run in project.paths.all_runs():
        for read in (facts, setting_rows, next_after):
            told(lambda read=read, run=run: list(read(run)))
        if run.train_toml.is_file() and run.dataset_toml.is_file():
            told(partial(run_settings, run, project.paths.root))


def choice_of(project: Project) -> None:
    told(partial(taken_checkpoint, project.paths, "myface", "stage_a"))


Place = Callable[[ProjectPaths], Path]
READERS: dict[str, tuple[Place, Callable[[Project], None]]] = {
    "qc.jsonl, in the report": (lambda paths: paths.qc / "qc.jsonl", report_of),
    "evaluation.json": (lambda paths: paths.evaluation, report_of),
    "txt2img.json": (lambda paths: paths.images / "txt2img.json", report_of),
    "export.json": (lambda paths: paths.export / RECORD, report_of),
    "dataset.json": (lambda paths: paths.dataset / "dataset.json", report_of),
    "choice.json, in the report": (lambda paths: paths.root / CHOICE, report_of),
    "choice.json": (lambda paths: paths.root / CHOICE, choice_of),
    "run.json": (lambda paths: paths.run("stage_a").record, runs_of),
    "run.json, in the report": (lambda paths: paths.run("stage_a").record, report_of),
}


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


@pytest.mark.parametrize("kind", READERS)
def test_a_record_that_was_changed_is_read_or_named(kind: str, project: Project):
    place, read = READERS[kind]
    path = place(project.paths)
    whole = path.read_text(encoding="utf-8")

    @tries(3 if read is report_of else 25)
    @given(changed(json.loads(whole.splitlines()[0] if path.suffix == ".jsonl" else whole)))
    def answered(value: Any) -> None:
        write(path, value)
        read(project)

    try:
        answered()
    finally:
        path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("name", ["train.toml", "dataset.toml"])
def test_settings_of_a_run_from_elsewhere_are_read_or_named(name: str, project: Project):
    run = project.paths.run("stage_a")
    path = run.folder / name
    seeds = (
        b'[a]\nx = 1\n[b]\ny = "z"\n',
        b"x = 1\n",
        b"[[datasets]]\nbatch_size = 2\n[[datasets.subsets]]\n",
    )

    @tries(40)
    @given(mutated(seeds))
    def answered(data: bytes) -> None:
        path.write_bytes(data)
        runs_of(project)

    try:
        answered()
    finally:
        path.unlink()


def test_lines_of_qc_are_read_or_named(project: Project):
    path = project.paths.qc / "qc.jsonl"
    whole = path.read_text(encoding="utf-8")

    @tries(40)
    @given(changed(json.loads(whole.splitlines()[0])))
    def answered(value: Any) -> None:
        write(path, value)
        told(lambda: list(each_record(path)))

    try:
        answered()
    finally:
        path.write_text(whole, encoding="utf-8")


def test_a_spoiled_store_of_measures_is_named(tmp_path):
    def read() -> None:
        with measured_store(tmp_path / CACHE) as store:
            store.forget_older()

    read()
    whole = (tmp_path / CACHE).read_bytes()

    @tries(40)
    @given(mutated((whole, b"no database")))
    def answered(data: bytes) -> None:
        (tmp_path / CACHE).write_bytes(data)
        told(read)

    answered()


def test_a_row_of_the_store_that_was_written_by_another_hand_is_named(tmp_path):
    with measured_store(tmp_path / CACHE) as store:
        for number, text in enumerate(("[", "[1]", "{}", "[[1], 2, 3]", "[" * 5000)):
            store._connection.execute(
                "INSERT INTO measured (id, content, subject, facts) VALUES (?, ?, '', ?)",
                [number, str(number), text],
            )
        store.commit()
    for number in range(5):

        def read(number: int = number) -> None:
            with measured_store(tmp_path / CACHE) as store:
                list(store.facts([number]))

        assert "only saves time" in told(read) or "cannot be used" in told(read)


def test_a_log_of_any_bytes_is_explained(tmp_path):
    for data in (b"\xff\xfe" * 500, b"\x1b]0;x\x07" * 200, "CUDA out of memory \u202e".encode() * 99):
        assert explain(data.decode("utf-8", "replace").splitlines(), 1)


def test_a_dataset_record_of_any_shape_is_named(tmp_path):
    for data in (b"", b"[]", b"[" * 100_000, b'{"size": 1e999}', b"\xff"):
        (tmp_path / "dataset.json").write_bytes(data)
        assert told(partial(read_dataset, tmp_path))
