"""JSON, TOML and text from outside: bounded in size and depth, and every fault a ValueError."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dataset_tools.data_text import DEEPEST, MOST_BYTES, bounded_bytes, bounded_text, from_json, from_toml

FAULTS = {
    "cut short": ("[1,", "a = ["),
    "too deep": ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "a = " + "[" * DEEPEST + "]" * DEEPEST),
    "far too deep": ("[" * 100_000, "a = " + "[" * 100_000),
    "objects too deep": ('{"a":' * 3000 + "1" + "}" * 3000, "a." * 3000 + "a = 1"),
    "a table too deep": ("[" * 5000, "[" + "a." * 3000 + "a]"),
    "a number of 5,000 digits": ("1" * 5000, "a = " + "1" * 5000),
}


@pytest.mark.parametrize(("json_text", "toml_text"), FAULTS.values(), ids=FAULTS)
def test_whatever_is_wrong_is_a_value_error(json_text, toml_text):
    for read, text in ((from_json, json_text), (from_toml, toml_text)):
        with pytest.raises(ValueError, match=r"."):
            read(text)


def test_what_people_write_is_read():
    assert from_json('{"a": [1, {"b": [[2]]}]}') == {"a": [1, {"b": [[2]]}]}
    assert from_json(b'"x"') == "x"
    assert from_toml("[a.b]\nc = [[1, 2], [3]]") == {"a": {"b": {"c": [[1, 2], [3]]}}}
    assert from_json("[" * DEEPEST + "]" * DEEPEST)  # the last that is allowed


def test_text_has_plain_line_ends_and_no_mark(tmp_path):
    path = tmp_path / "подпись 'x'.txt"
    path.write_bytes("\ufeffодин\r\nдва\rтри".encode())
    assert bounded_text(path, "utf-8-sig") == "один\nдва\nтри"
    with pytest.raises(UnicodeDecodeError):
        bounded_text(path, "ascii")


def test_a_file_beyond_the_bound_is_not_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        bounded_bytes(path)
    assert bounded_bytes(path, MOST_BYTES + 1)[:1] == b"\0"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_and_a_device_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        faults: list[BaseException] = []
        reader = threading.Thread(target=_read, args=(path, faults), daemon=True)
        reader.start()
        reader.join(20)
        assert not reader.is_alive()
        assert "no regular file" in str(faults[0])


def _read(path: Path, faults: list[BaseException]) -> None:
    try:
        bounded_bytes(path)
    except ValueError as error:
        faults.append(error)
