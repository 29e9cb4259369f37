"""``lorawrap captions``: the table, the check, and edits with their dry run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset_tools.pictures.images import save_png
from wrapper.cli.main import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "фото 'x' 📷" / "10_myface woman"
    for name, caption in {"a": "myface woman, red", "b": "myface woman, Red, tree"}.items():
        save_png(made / f"{name}.png", np.zeros((4, 5, 3), np.uint8))
        (made / f"{name}.txt").write_text(caption, encoding="utf-8")
    save_png(made.parent / "masks" / "a.png", np.zeros((4, 5, 3), np.uint8))
    return made.parent


def texts(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*/*.txt"))]


def test_a_table_of_tags_and_that_every_caption_is_read(folder, capsys):
    assert run(["captions", str(folder), "--tags", "2"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines()[:4] == [
        "      2  100%  myface woman",
        "      2  100%  red",
        "and 1 more tag; --tags 3 lists all",
        "2 captions, 3 tags",
    ]
    assert "every caption is read" in shown.out


def test_what_is_not_read_ends_with_2(folder, capsys):
    (folder / "10_myface woman" / "a.txt").write_text("myface woman\nin the second line", encoding="utf-8")
    (folder / "10_myface woman" / "b.txt").rename(folder / "10_myface woman" / "b.caption")
    assert run(["captions", str(folder)]) == 2
    text = capsys.readouterr().err
    assert "only the first line of a caption is read." in text
    assert "Their .caption files are not read." in text


def test_a_caption_without_the_trigger_is_told(folder, capsys):
    assert run(["captions", str(folder), "--trigger", "ohwx"]) == 0
    assert "2 of 2 captions lack 'ohwx'" in capsys.readouterr().err


def test_a_dry_run_shows_every_change_and_writes_nothing(folder, capsys):
    before = texts(folder)
    assert run(["captions", str(folder), "--drop", "red", "--prefix", "photo,", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "  - myface woman, Red, tree\n  + photo, myface woman, tree\n" in text
    assert "2 of 2 captions would change" in text
    assert texts(folder) == before
    assert not (folder / ".captions").exists()


def test_an_edit_keeps_the_originals_and_a_second_one_changes_nothing(folder, capsys):
    argv = ["captions", str(folder), "--find", "tree", "--replace", "woman", "person"]
    assert run(argv) == 0
    assert texts(folder) == ["myface woman, red", "myface person, Red, tree"]
    assert "1 of 2 captions change" in capsys.readouterr().out
    kept = folder / ".captions" / "1" / "10_myface woman" / "b.txt"
    assert kept.read_text(encoding="utf-8") == "myface woman, Red, tree"
    assert run(argv) == 0
    assert "0 of 2 captions change" in capsys.readouterr().out
    assert not (folder / ".captions" / "2").exists()


def test_no_backup(folder):
    assert run(["captions", str(folder), "--drop", "red", "--no-backup"]) == 0
    assert texts(folder) == ["myface woman", "myface woman, tree"]
    assert not (folder / ".captions").exists()


def test_nothing_cannot_be_replaced(folder, capsys):
    assert run(["captions", str(folder), "--replace", "", "x"]) == 2
    assert "OLD is empty" in capsys.readouterr().err
