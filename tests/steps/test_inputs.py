"""What makes a project's steps stale: contents, not places and times."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from dataset_tools import known_contents
from dataset_tools.building.ownership import write_ownership
from wrapper.contents import Contents
from wrapper.demo.world import write_world
from wrapper.project.load import Project, load_project
from wrapper.steps.inputs import Inputs


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written a moment ago counts as old enough to be remembered."""
    monkeypatch.setattr(known_contents, "SETTLED_NS", -1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_world(tmp_path / "было")
    return load_project(tmp_path / "было")


def inputs(project: Project) -> Inputs:
    return Inputs(project, Contents(project.paths.cache / "hashes.sqlite", project.paths.root))


def test_a_project_that_was_moved_or_touched_is_as_it_was(project: Project, tmp_path: Path):
    before = [inputs(project).photographs(), inputs(project).build()]
    shutil.copytree(project.paths.root, tmp_path / "стало", copy_function=shutil.copyfile)
    os.utime(tmp_path / "стало" / "photos" / "front_00.png", ns=(1, 1))
    moved = load_project(tmp_path / "стало")
    assert [inputs(moved).photographs(), inputs(moved).build()] == before


@pytest.mark.parametrize("name", ["photos/front_01.png", "masks/front_01.png", "class_photos/person_00.png"])
def test_an_edited_file_counts(project: Project, name: str):
    before = inputs(project).build()
    path = project.paths.root / name
    path.write_bytes(path.read_bytes() + b"\0")
    assert inputs(project).build() != before


def test_a_setting_counts(project: Project):
    for setting in ("crop.size=128", "project.seed=8", "stage_a.enabled=false"):
        other = load_project(project.paths.root, [setting])
        assert inputs(other).build() != inputs(project).build()
        assert inputs(other).photographs() == inputs(project).photographs()


def test_who_draws_the_class_images_counts_where_they_are_drawn(project: Project):
    generated = ["regularisation.source='generate'"]
    found = []
    for settings in ([], generated):
        here = load_project(project.paths.root, settings)
        other = load_project(project.paths.root, [*settings, "generate.cfg=3.5"])
        found.append(inputs(other).build() != inputs(here).build())
    assert found == [False, True]


def test_rendered_files_are_known_by_their_settings(project: Project):
    root = project.paths.root
    text = f'# {root}\nlearning_rate = 0.1  # preset demo\noutput_dir = "{root}/runs"\n# as rendered: 12\n'
    other = text.replace(str(root), "/other").replace("preset demo", "project").replace("12", "13")
    assert inputs(project)._settings(text) == 'learning_rate = 0.1\noutput_dir = "./runs"'
    assert inputs(project)._settings(other) != inputs(project)._settings(text)


@pytest.mark.usefixtures("settled")
def test_a_file_is_read_once_while_it_does_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "ear.png"
    file.write_bytes(b"ear")
    first = Contents(tmp_path / "hashes.sqlite", tmp_path).of([file, tmp_path / "missing"])
    assert first[1] == ["missing", ""]
    monkeypatch.setattr("dataset_tools.known_contents.content_hash", lambda _: pytest.fail("was read again"))
    assert Contents(tmp_path / "hashes.sqlite", tmp_path).of([file, tmp_path / "missing"]) == first


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("years", [-50, 0, 80], ids=["1970s", "now", "2100s"])
def test_another_file_of_one_size_and_one_time_is_another(tmp_path: Path, years: int):
    file, contents = tmp_path / "ухо.png", Contents(tmp_path / "hashes.sqlite", tmp_path)
    moment = time.time_ns() + years * 365 * 86_400_000_000_000
    found = []
    for text in (b"left", b"ight", b"left"):
        file.write_bytes(text)
        os.utime(file, ns=(moment, moment))
        found.append(contents.of([file])[0][1])
    assert found[0] == found[2] != found[1]


def test_a_file_of_the_very_moment_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Some drives tell times by two seconds: a second change within them would not be seen."""
    file, contents = tmp_path / "ear.png", Contents(tmp_path / "hashes.sqlite", tmp_path)
    file.write_bytes(b"left")
    contents.of([file])
    read = []
    monkeypatch.setattr("dataset_tools.known_contents.content_hash", lambda path: read.append(path) or "new")
    assert contents.of([file]) == [["ear.png", "new"]]


def test_training_depends_on_the_stages_own_files(project: Project):
    folder = project.paths.dataset
    for name, text in (("stage_a/1.txt", "a"), ("holdout/2.txt", "b"), ("dataset.json", "{}")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    write_ownership(folder)
    before = inputs(project)._built("stage_a")
    (folder / "dataset.json").write_text('{"refused": "for another reason"}')
    (folder / "holdout" / "2.txt").unlink()
    assert inputs(project)._built("stage_a") == before
    (folder / "stage_a" / "1.txt").write_text("edited")
    assert inputs(project)._built("stage_a") != before


@pytest.mark.usefixtures("settled")
def test_what_is_remembered_is_not_written_again(tmp_path: Path):
    memory, files = tmp_path / "hashes.sqlite", [tmp_path / f"{number}.txt" for number in range(3)]
    for file in files:
        file.write_text(file.name)
    first = Contents(memory, tmp_path).of(files)
    memory.chmod(0o444)
    before = memory.stat().st_mtime_ns
    contents = Contents(memory, tmp_path)
    assert [contents.of([file])[0] for file in files] == first
    assert memory.stat().st_mtime_ns == before


@pytest.mark.usefixtures("settled")
def test_a_stopped_hashing_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = [tmp_path / f"{number}.txt" for number in range(3)]
    for file in files:
        file.write_text(file.name)

    def stopped():
        yield from files[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Contents(tmp_path / "hashes.sqlite", tmp_path).of(stopped())
    read = []
    monkeypatch.setattr("dataset_tools.known_contents.content_hash", lambda path: read.append(path) or "hash")
    Contents(tmp_path / "hashes.sqlite", tmp_path).of(files)
    assert read == files[2:]
