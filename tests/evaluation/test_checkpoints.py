"""The checkpoints of a run by age, whatever their files say of themselves."""

from __future__ import annotations

import pytest

from dataset_tools.files import write_json
from tests.diffusion.small_lora import write_small_lora
from wrapper.evaluation.checkpoints import find_checkpoints, fits, positions
from wrapper.evaluation.remembered import Remembered
from wrapper.project.layout import ProjectPaths


def write_run(root, number, names, status="succeeded"):
    folder = root / "runs" / f"stage_a-{number:03d}"
    write_json(folder / "run.json", {"stage": "stage_a", "status": status, "steps": 90})
    for name in names:
        write_small_lora(folder / "output" / name, seed=number)


@pytest.fixture
def root(tmp_path):
    write_small_lora(tmp_path / "loras" / "ухо_stage_a.safetensors")
    return tmp_path


def found(root, asked="all", most=0):
    return find_checkpoints(ProjectPaths(root), "stage_a", "ухо", asked, most)


def test_without_metadata_names_say_the_epoch_and_the_record_the_last_ones_steps(root):
    write_run(
        root,
        1,
        ["ухо_stage_a-000002.safetensors", "ухо_stage_a-000010.safetensors", "ухо_stage_a.safetensors"],
    )
    assert [one.title for one in found(root)] == ["epoch 2", "epoch 10", "the last (step 90)"]
    assert positions(found(root)) == ("checkpoints", [1, 2, 3])


def test_steps_in_names_count(root):
    write_run(root, 1, ["ухо_stage_a-step00000060.safetensors", "ухо_stage_a-step00000030.safetensors"])
    assert [one.step for one in found(root)] == [30, 60, 90]
    assert positions(found(root)) == ("steps", [30, 60, 90])


def test_the_newest_finished_run_counts(root):
    write_run(root, 1, ["ухо_stage_a-000001.safetensors"])
    write_run(root, 2, ["ухо_stage_a-000002.safetensors"])
    write_run(root, 3, ["ухо_stage_a-000003.safetensors"], status="failed")
    assert [one.epoch for one in found(root)[:-1]] == [2]


def test_without_a_run_the_published_lora_is_alone(root):
    assert [(one.name, one.last, one.title) for one in found(root)] == [("stage_a", True, "the last")]


def test_a_pattern_fits_when_a_saved_file_has_it(root):
    write_run(root, 1, ["ear-000001.safetensors", "ear.safetensors"])
    paths = ProjectPaths(root)
    asked = ("all", "last", "*-000001", "ear*.safetensors", "*stage_b*")
    assert [fits(paths, ["stage_a"], one) for one in asked] == [True, True, True, True, False]
    assert not fits(paths, ["stage_b"], "ear*")


def test_a_stage_that_was_not_trained_has_none(root):
    assert find_checkpoints(ProjectPaths(root), "stage_b", "ухо") == []


@pytest.mark.parametrize(
    ("most", "epochs"), [(0, [1, 2, 3, 4, 5, 6]), (3, [3, 6]), (2, [6]), (1, []), (9, [1, 2, 3, 4, 5, 6])]
)
def test_at_most_so_many_with_the_last(root, most, epochs):
    write_run(root, 1, [f"ухо_stage_a-{epoch:06d}.safetensors" for epoch in range(1, 7)])
    assert [one.epoch for one in found(root, most=most)[:-1]] == epochs


def test_what_was_measured_is_remembered_and_torn_lines_are_dropped(tmp_path):
    path = tmp_path / "известно" / "e.jsonl"
    Remembered(path).put("a", {"x": 1})
    Remembered(path).put("b", {"x": "ухо"})
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"key": "c", "x"')
    known = Remembered(path)
    assert (known.get("a"), known.get("b"), known.get("c")) == ({"x": 1}, {"x": "ухо"}, None)
    known.put("d", {"x": 4})
    assert Remembered(path).rows == {"a": {"x": 1}, "b": {"x": "ухо"}, "d": {"x": 4}}
