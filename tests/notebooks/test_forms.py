"""The notebooks as files: forms that Colab understands, thin cells, nothing of anybody's in them."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields
from typing import Any

import nbformat
import pytest

from tests.notebooks.filled_in import NOTEBOOKS, PARAM, fill_in, read
from wrapper.kohya.presets import preset_names
from wrapper.notebook.drawing import Drawing
from wrapper.notebook.form import CLASS_IMAGES, JOBS, MEASURE, PRESETS, PROGRAMS, Form
from wrapper.notebook.training import TRAINERS, Training

BOOKS = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
MOST_LINES = 16
KINDS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "slider": (int, float)}


def codes(name: str) -> list[Any]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def params(name: str) -> dict[str, tuple[Any, str]]:
    """Each field's default, and what follows ``# @param``."""
    found = [PARAM.match(line) for cell in codes(name) for line in cell.source.split("\n")]
    return {one["name"]: (ast.literal_eval(one["value"]), one["type"].strip()) for one in found if one}


def choices(name: str, field: str) -> list[Any]:
    said = params(name)[field][1]
    return json.loads(said[: said.index("]") + 1])


def test_there_are_two():
    assert BOOKS == ["01_training.ipynb", "02_inference.ipynb"]


@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_is_valid_and_holds_nothing_of_anybody(name: str):
    book = read(name)
    nbformat.validate(book)
    assert all(not cell.outputs and cell.execution_count is None for cell in codes(name))
    assert book.metadata.colab.private_outputs
    text = (NOTEBOOKS / name).read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/tmp/|git reset|\bsed -|apt(-get)? install|hf_[A-Za-z0-9]{8}", text)


@pytest.mark.parametrize("name", BOOKS)
def test_every_cell_is_a_form_with_a_title_and_little_code(name: str):
    for number, cell in enumerate(codes(name), start=1):
        title, *rest = cell.source.split("\n")
        assert re.match(rf'# @title {number} · .+ {{ display-mode: "form" }}$', title), title
        assert cell.metadata.cellView == "form"
        code = [line for line in rest if line and not line.startswith("#") and "# @param" not in line]
        assert len(code) <= MOST_LINES or cell.id == "install", (cell.id, len(code))
        assert not re.search(r"^[!%]", cell.source, re.MULTILINE)
        compile(cell.source, cell.id, "exec")


@pytest.mark.parametrize("name", BOOKS)
def test_every_default_is_one_that_its_field_allows(name: str):
    for field, (default, said) in params(name).items():
        if said.startswith("["):
            assert default in choices(name, field), field
            continue
        kind = json.loads(re.sub(r"(\w+):", r'"\1":', said))
        assert isinstance(default, KINDS[kind["type"]]), field
        if kind["type"] == "slider":
            assert kind["min"] <= default <= kind["max"], field


def test_the_form_asks_what_the_package_knows():
    asked = set(params("01_training.ipynb"))
    assert {field.name for field in fields(Form)} <= asked
    rest = asked - {field.name for field in fields(Form)}
    assert rest == {
        "keep_on", "folder", "lorawrap_from", "trainer",
        "upload_photographs", "continue_project", "download_files",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("job", JOBS),
        ("graphics_card", PRESETS),
        ("class_images", CLASS_IMAGES),
        ("measure", MEASURE),
        ("programs", PROGRAMS),
        ("trainer", TRAINERS),
    ],
)
def test_a_list_of_choices_is_the_package_s_own(field: str, known: Any):
    assert choices("01_training.ipynb", field) == list(known)


def test_presets_of_the_form_are_there():
    assert {preset for preset in PRESETS.values() if preset} <= set(preset_names())


@pytest.mark.parametrize(
    ("name", "variable", "kind"),
    [("01_training.ipynb", "training", Training), ("02_inference.ipynb", "drawing", Drawing)],
)
def test_cells_call_what_there_is(name: str, variable: str, kind: type):
    calls = re.findall(rf"\b{variable}\.(\w+)\(", "\n".join(cell.source for cell in codes(name)))
    assert len(calls) > 5
    assert all(callable(getattr(kind, call)) for call in calls)


def test_both_notebooks_begin_alike():
    first, second = (codes(name)[0].source for name in BOOKS)
    assert first == second


def test_filling_in_refuses_a_field_that_is_not_there():
    with pytest.raises(AssertionError, match="no form has"):
        fill_in(read("01_training.ipynb"), {"stepz": 3})
