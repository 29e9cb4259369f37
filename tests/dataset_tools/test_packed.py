"""Many objects in little memory: they come back as they were."""

from __future__ import annotations

import os

import pytest

from dataset_tools.building.written_files import Written, WrittenFiles
from dataset_tools.packed import BLOCK, Packed

NAMES = [f"stage_a/train/вид/1_x y/{number:05d}.png" for number in range(3000)] + [os.fsdecode(b"\xff.txt")]


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_packed_items_come_in_order_and_by_number(count: int):
    items = [{"number": number} for number in range(count)]
    packed = Packed(items)
    assert (len(packed), list(packed), packed[:]) == (count, items, items)
    assert packed == items
    assert packed != [*items, 1]
    for number in (0, count // 2, -1) if count else ():
        assert packed[number] == items[number]
    with pytest.raises(IndexError):
        packed[count]


def test_two_may_read_packed_items_at_once():
    packed = Packed(range(2 * BLOCK))
    assert list(zip(packed, packed, strict=True)) == [(number, number) for number in range(2 * BLOCK)]


def note(number: int) -> Written:
    recipe = f"{number:032x}" if number % 3 else ""
    return Written(f"{number + 1:064x}", number, number << 40, recipe)


def test_notes_of_files_are_found_by_name_and_by_number():
    notes = {name: note(number) for number, name in enumerate(NAMES, 1)}
    files = WrittenFiles(notes.items())
    assert dict(files) == notes
    assert "stage_a" not in files
    number = files.number(NAMES[7])
    assert number is not None
    assert (files.name(number), files.written(number)) == (NAMES[7], notes[NAMES[7]])
    assert dict(files.only(lambda number: files.name(number).endswith(".txt"))) == {
        NAMES[-1]: notes[NAMES[-1]]
    }


@pytest.mark.parametrize("wrong", [Written("00"), Written("x" * 64), Written("0" * 64, 1 << 70)])
def test_what_is_no_note_is_refused(wrong: Written):
    with pytest.raises(ValueError, match=r"hash|hex|size"):
        WrittenFiles([("a", wrong)])
