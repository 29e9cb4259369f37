"""Headers made to do harm: refused in one short sentence, with little memory and time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.peak_memory import PEAK_MIB, needs_linux
from wrapper.safetensors_header import MAX_MARKS, read_header

SPEC = {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}


def written(path: Path, header: bytes, data: bytes = b"\0" * 8) -> Path:
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


@pytest.mark.parametrize(
    ("header", "says"),
    [
        pytest.param({"a": {**SPEC, "dtype": ["F16"]}}, "the type", id="a list for a type"),
        pytest.param({"a": {**SPEC, "shape": [1] * 1000}}, "makes no sense", id="a thousand axes"),
        pytest.param({"a": {**SPEC, "shape": [10**300]}}, "makes no sense", id="a huge axis"),
        pytest.param({"a": {**SPEC, "shape": [float("nan")]}}, "makes no sense", id="NaN"),
        pytest.param({"a": {**SPEC, "shape": [2.0, 2]}}, "makes no sense", id="a fraction"),
        pytest.param({"\ud800": SPEC}, "not JSON", id="half a character in a name"),
        pytest.param({"__metadata__": {"a": "\udfff"}}, "not JSON", id="half a character in a text"),
        pytest.param({"a" * 100_000: 3}, "not a tensor|aaa…", id="an endless name"),
        pytest.param({"\x1b[2J\u202e": 3}, r"\\x1b\[2J\\u202e", id="a name that clears the screen"),
    ],
)
def test_what_no_program_writes_is_refused_in_one_short_sentence(header, says: str, tmp_path: Path):
    path = written(tmp_path / "lie.safetensors", json.dumps(header).encode())
    with pytest.raises(UserError, match=says) as raised:
        read_header(path)
    assert len(raised.value.message) < len(str(path)) + 300
    assert raised.value.message.isprintable()


@needs_linux
@pytest.mark.parametrize(
    ("first", "item", "last"),
    [
        pytest.param(b'{"__metadata__":[', b"[],", b"0]}", id="lists"),
        pytest.param(b"{", b'"a":{},', b'"b":0}', id="tables"),
    ],
)
def test_millions_of_entries_are_refused_before_they_take_memory(
    first: bytes, item: bytes, last: bytes, tmp_path: Path
):
    path = written(tmp_path / "много 'данных'.safetensors", first + item * (MAX_MARKS + 1) + last)
    code = (
        "import sys\nfrom pathlib import Path\nfrom dataset_tools.errors import UserError\n"
        "from wrapper.safetensors_header import read_header\n"
        "try:\n    read_header(Path(sys.argv[1]))\nexcept UserError as error:\n    print(error.message)\n"
        f"{PEAK_MIB}\nprint(peak_mib)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    said, peak_mib = done.stdout.splitlines()
    assert "millions of entries" in said
    assert int(peak_mib) < 100


def test_a_long_text_is_no_harm(tmp_path: Path):
    text = "a caption, " * 100_000 + "é😀"
    header = json.dumps({"__metadata__": {"ss_tag_frequency": text}}).encode()
    assert read_header(written(tmp_path / "a.safetensors", header, b"")).metadata["ss_tag_frequency"] == text
