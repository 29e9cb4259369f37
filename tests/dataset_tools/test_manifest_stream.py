"""JSON that arrives in pieces, and manifests of many rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import UserError
from dataset_tools.manifests import manifest_text
from dataset_tools.manifests.counted import CountedProblems
from dataset_tools.manifests.json_stream import BadJson, JsonStream, RepeatedKey, parse
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.manifests.manifest_text import lines
from dataset_tools.manifests.packed_rows import BLOCK_ROWS, PackedRows
from tests.dataset_tools.rows import row, values
from tests.peak_memory import PEAK_MIB, needs_linux

VALUES = [{"a": [1, {"б": '}]"'}], "c": "\\"}, -12.5e3, "x,]", None, True, [], {}, 1234567]
ROWS = 10_000
MOST_MORE_MIB = 14
"""Above what a manifest of one row takes: far less than so many rows as objects."""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_the_same_however_it_is_cut(size, indent):
    text = json.dumps(VALUES, ensure_ascii=False, indent=indent) + "\n"
    stream = JsonStream(iter([text[at : at + size] for at in range(0, len(text), size)]))
    assert list(stream.elements()) == VALUES
    stream.end()


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_the_members_of_an_object_are_read_one_by_one(size):
    text = ' {"images" : [1, 2], "count": 2 } '
    stream = JsonStream(iter([text[at : at + size] for at in range(0, len(text), size)]))
    found = {key: list(stream.elements()) if key == "images" else stream.value() for key in stream.members()}
    assert found == {"images": [1, 2], "count": 2}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("[\n1,\n]", 3, "Expecting value"),
        ("[1\n2]", 2, "']' is wanted"),
        ("[1]\n\n7", 3, "more text after the end"),
        ("\n[1", 2, "']' is wanted"),
        ('[\n{"a": "never closed', 2, "Unterminated string"),
        ("", 1, "is wanted here"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("size", [1, 1000])
def test_bad_json_is_told_with_its_line(text, line, why, size):
    stream = JsonStream(iter([text[at : at + size] for at in range(0, len(text), size)]))
    with pytest.raises(BadJson, match=why) as caught:
        _read_to_the_end(stream)
    assert caught.value.line == line


def _read_to_the_end(stream: JsonStream) -> None:
    list(stream.elements())
    stream.end()


def test_a_key_that_is_there_twice_is_named_however_deep_it_lies():
    for text in ('{"image": 1, "image": 2}', '{"consent": {"image": 1, "image": 2}}'):
        found = parse(text)
        assert isinstance(found, RepeatedKey)
        assert found.key == "image"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_character_may_be_cut_in_two(tmp_path, monkeypatch, size):
    monkeypatch.setattr(manifest_text, "CHUNK_BYTES", size)
    path = tmp_path / "m.jsonl"
    path.write_bytes("\ufeffухо 🙂\r\nдва\n\r\rfive".encode())
    assert list(lines(path)) == [(1, "ухо 🙂\n"), (2, "два\n"), (3, "\n"), (4, "\n"), (5, "five")]
    path.write_bytes("ухо\nдва 🙂\nтри\n".encode() + b"\xff\n")
    with pytest.raises(UserError, match=r"not UTF-8 text \(line 4\)"):
        list(lines(path))


@pytest.mark.parametrize("name", ["m.json", "m.jsonl"])
def test_text_that_never_ends_is_given_up(tmp_path, name):
    path = tmp_path / name
    path.write_text('[{"image": "' + "a" * (4 << 20), encoding="utf-8")
    with pytest.raises(UserError, match=r"not JSON|longer than a row can be"):
        read_manifest(path)


def test_rows_come_back_in_order_by_number_and_by_slice():
    made = [row(image=f"{number}.png") for number in range(2 * BLOCK_ROWS + 3)]
    rows = PackedRows()
    for number, one in enumerate(made):
        rows.append(f"line {number}", one)
    assert len(rows) == len(made)
    assert list(rows) == made
    assert [rows[at] for at in (0, BLOCK_ROWS - 1, BLOCK_ROWS, -1)] == [
        made[at] for at in (0, BLOCK_ROWS - 1, BLOCK_ROWS, -1)
    ]
    assert rows[BLOCK_ROWS - 1 : BLOCK_ROWS + 2] == made[BLOCK_ROWS - 1 : BLOCK_ROWS + 2]
    with pytest.raises(IndexError):
        rows[len(made)]


def test_images_that_are_there_twice_are_found_far_apart():
    rows, problems = PackedRows(), CountedProblems()
    for number in range(2 * BLOCK_ROWS):
        rows.append(f"line {number}", row(image=f"{number % (2 * BLOCK_ROWS - 2)}.png"))
    rows.tell_repeated(problems)
    assert [str(problem) for problem in problems.found] == [
        f"line {2 * BLOCK_ROWS - 2 + at}: image '{at}.png' is there already, at line {at}" for at in (0, 1)
    ]


def test_another_kind_of_problem_is_shown_beside_a_thousand_equal_ones():
    problems = CountedProblems()
    for number in range(1000):
        problems.add(f"line {number}", f"no image '{number}.png' in here")
    problems.add("line 1000", "'view' is missing.")
    problems.add("line 1001", "no image '1001.png' in here")
    with pytest.raises(UserError) as caught:
        problems.raise_if_any("m.csv")
    shown = caught.value.message.splitlines()
    assert shown[0] == "m.csv: 1,002 problems"
    assert shown[-2:] == ["  line 1000: 'view' is missing.", "  m.csv: and 951 more"]


def _peak_mib(path: Path, *, there: bool) -> int:
    """The peak memory of a process that reads the manifest and walks its rows."""
    code = (
        "import sys; from pathlib import Path;"
        "import numpy; from dataset_tools.errors import UserError;"
        "from dataset_tools.manifests import manifest\n"
        f"if {there}: manifest._Files.found = lambda _self, _where, row: row\n"
        "try: assert sum(1 for _ in manifest.read_manifest(Path(sys.argv[1])).rows) >= 1\n"
        f"except UserError: assert not {there}\n"
        f"{PEAK_MIB}print(peak_mib)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(one.values()) for one in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@needs_linux
@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_many_rows_take_little_more_memory_than_one(tmp_path, kind):
    rows = [values(image=f"{number}.png", prompt=f"photo {number}") for number in range(ROWS)]
    one = _peak_mib(_write(tmp_path / f"one.{kind}", rows[:1]), there=True)
    path = _write(tmp_path / f"many.{kind}", rows)
    assert _peak_mib(path, there=True) - one < MOST_MORE_MIB
    assert _peak_mib(path, there=False) - one < MOST_MORE_MIB
