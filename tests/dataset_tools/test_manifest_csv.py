"""CSV as spreadsheets write it, and problems by the row numbers that they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.manifests.schema import Consent, ManifestRow
from dataset_tools.pictures.images import save_png

HEADER = "image,subject,consent,age,view,type,ear_side"
ROW = "один.png,anna,C-17,26-30,front,bust,both"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Мария's photos 📷"
    for name in ("один.png", "two.png", "один, two.png", "mask.png"):
        save_png(made / name, np.zeros((4, 5, 3), np.uint8))
    return made


def write(folder: Path, text: str, name: str = "m.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def rows(folder: Path, text: str, **how: str) -> list[ManifestRow]:
    return list(read_manifest(write(folder, text, **how)).rows)


def row(folder: Path, column: str, cell: str) -> ManifestRow:
    return rows(folder, f"{HEADER},{column}\n{ROW},{cell}\n")[0]


def complaint(folder: Path, text: str, defaults: dict[str, Any] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read_manifest(write(folder, text), defaults)
    return f"{caught.value.message}\n{caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (f"{HEADER}\n{ROW}\n", {}),
        (f"{HEADER}\r\n{ROW}\r\n,,,,,,\r\n\r\n", {"encoding": "utf-8-sig"}),
        (f"{HEADER}\n{ROW}\n".replace(",", ";"), {}),
        (f"sep=;\r\n{HEADER}\r\n{ROW}".replace(",", ";"), {"encoding": "utf-8-sig"}),
        (f"{HEADER}\n{ROW}\n".replace(",", "\t"), {"name": "m.TSV"}),
        (f'"{HEADER}"\n "{ROW}"\n'.replace(",", '","').replace(' "', '"'), {}),
        (f"{HEADER},mask,\n{ROW}, ,\n".replace(",", " , ").replace(" , ", ",", 1), {}),
        (f"{HEADER}\r{ROW}\r", {}),
    ],
    ids=["commas", "mark, CRLF, empty rows", "semicolons", "sep", "tabs", "quotes", "spaces", "CR"],
)
def test_every_way_to_write_a_table_gives_the_same_row(folder, text, how):
    assert rows(folder, text, **how) == [
        ManifestRow(
            image="один.png",
            subject="anna",
            consent=Consent(id="C-17"),
            age="26-30",
            view="front",
            type="bust",
            ear_side="both",
        )
    ]


def test_quoted_cells_hold_delimiters_quotes_and_lines(folder):
    text = f'{HEADER},prompt\n"один, two.png",{ROW.partition(",")[2]},"a ""large"" ear,\nleft"\n'
    made = rows(folder, text)[0]
    assert (made.image, made.prompt) == ("один, two.png", 'a "large" ear,\nleft')


@pytest.mark.parametrize("cell", ["yes", "TRUE", "1", "y"])
def test_yes(folder, cell):
    assert row(folder, "ear_visible", cell).ear_visible is True


@pytest.mark.parametrize("cell", ["no", "False", "0", "N"])
def test_no(folder, cell):
    assert row(folder, "ear_visible", cell).ear_visible is False


@pytest.mark.parametrize("cell", ['"1,2,3,4"', '"[1, 2, 3, 4]"', "1 2 3 4", "1;2;3;4"])
def test_a_box_in_one_cell(folder, cell):
    assert row(folder, "ear_box", cell).ear_box == (1, 2, 3, 4)


def test_consent_and_tags_over_several_columns(folder):
    guardian = Consent(id="C-17", by="guardian")
    assert row(folder, "consent.by", "guardian").consent == guardian
    head, first = HEADER.replace("consent", "consent.by"), ROW.replace("C-17", "guardian")
    assert rows(folder, f"{head},consent\n{first},C-17")[0].consent == guardian
    assert row(folder, "tags.light", "window").tags == {"light": "window"}
    assert row(folder, "tags", '"{""light"": ""window""}"').tags == {"light": "window"}


def test_an_empty_cell_leaves_it_to_the_defaults(folder):
    text = f"{HEADER}\n{ROW}\n{ROW.replace('один', 'two').replace('anna', '')}\n"
    found = read_manifest(write(folder, text), {"subject": "someone", "pose": "sitting"}).rows
    assert [(one.subject, one.pose) for one in found] == [("anna", "sitting"), ("someone", "sitting")]


def test_every_problem_with_the_row_that_a_spreadsheet_shows(folder):
    text = "\n".join(
        [
            f"{HEADER},promt,prompt",
            f'{ROW},,"two\nlines"',
            "",
            f"{ROW.replace('front', 'frnt')},,",
            f"{ROW.replace('один', 'nowhere')},,",
            ROW,
            f"{ROW},,,more",
            f"{ROW},,",
            f"{ROW.replace('C-17', '').replace('один', 'two')},,",
            f"../{ROW},,",
        ]
    )
    text = complaint(folder, text)
    for wanted in (
        "8 problems",
        "m.csv row 1: unknown column 'promt'. Did you mean 'prompt'?",
        "m.csv row 4: view: 'frnt' is not known. Did you mean 'front'?",
        "m.csv row 5: no image 'nowhere.png'",
        "m.csv row 6: has 7 cells, the header 9.",
        "m.csv row 7: has 10 cells, the header 9.",
        "m.csv row 8: image 'один.png' is there already, at m.csv row 2",
        "m.csv row 9: no consent record",
        "m.csv row 10: image: '../один.png' leads out of the manifest's folder",
    ):
        assert wanted in text


@pytest.mark.parametrize(
    ("column", "cell", "wanted"),
    [
        ("ear_visible", "maybe", "row 2: ear_visible: 'maybe' is neither true nor false."),
        ("ear_box", "1 2 3", "row 2: ear_box: four whole numbers"),
        ("ear_box", "a b c d", "row 2: ear_box: four whole numbers"),
        ("ear_box", "5 5 5 9", "row 2: ear_box: [5, 5, 5, 9] is no box"),
        ("tags", "window", "row 2: tags: "),
        ("tags.", "window", "row 1: unknown column 'tags.'"),
        ("consent.form", "x", "row 1: unknown column 'consent.form'"),
        ("view", "back", "row 1: column 'view' is there twice."),
        ("prompt", '"left open', "row 2: not CSV"),
        ("prompt", '"closed" early', "row 2: not CSV"),
        ("prompt", f'"{"never closed " * 20_000}', "row 2: not CSV"),
    ],
)
def test_a_cell_or_column_that_is_wrong(folder, column, cell, wanted):
    path = write(folder, f"{HEADER},{column}\n{ROW},{cell}\n")
    with pytest.raises(UserError) as caught:
        read_manifest(path)
    path.unlink()
    assert wanted in caught.value.message


@pytest.mark.parametrize("text", ["", "\n", "one,two\n1,2\n"], ids=repr)
def test_a_table_without_field_names(folder, text):
    assert "its first row names no field" in complaint(folder, text)


def test_a_table_of_excels_own_encodings(folder):
    path = write(folder, f"{HEADER}\n{ROW}\n", encoding="utf-16")
    with pytest.raises(UserError, match=r"not UTF-8, but UTF-16"):
        read_manifest(path)
    path = write(folder, f"{HEADER}\n{ROW}\n{ROW}", encoding="cp1251")
    with pytest.raises(UserError, match=r"not UTF-8 text \(line 2\)") as caught:
        read_manifest(path)
    assert "CSV UTF-8" in caught.value.hint


def test_a_table_without_rows(folder):
    assert "no images in it" in complaint(folder, f"{HEADER}\n")
