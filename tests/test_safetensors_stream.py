"""Reading and writing safetensors one tensor at a time."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash
from tests.peak_memory import PEAK_MIB, needs_linux
from wrapper import safetensors_stream
from wrapper.lora.file import container
from wrapper.safetensors_stream import (
    Form,
    dtype_name,
    form_of,
    header_bytes,
    in_library_order,
    open_tensors,
    torch_dtype,
    write_tensors,
)

DTYPES = (
    torch.bool,
    torch.uint8,
    torch.int64,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "веса 'q' 🙂"
    folder.mkdir()
    return folder


def some_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    tensors = {
        f"слой.{number}": (torch.randn(3, 5, generator=generator) * 3).to(dtype)
        for number, dtype in enumerate(DTYPES)
    }
    return {**tensors, "scalar": torch.tensor(4.0), "empty": torch.empty(0, 7)}


def write(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> str:
    forms = in_library_order({name: form_of(tensor) for name, tensor in tensors.items()})
    return write_tensors(path, forms, metadata or {}, (tensors[name] for name in forms))


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    return (
        one.dtype == other.dtype
        and one.shape == other.shape
        and torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))
    )


def test_what_is_written_is_read_by_us_and_by_the_library(place: Path):
    tensors = some_tensors()
    write(place / "a.safetensors", tensors, {"b": "2", "a": 'ü "quoted"\n'})
    theirs = load_file(place / "a.safetensors")
    with open_tensors(place / "a.safetensors") as file:
        assert file.header.metadata == {"a": 'ü "quoted"\n', "b": "2"}
        assert set(file.forms) == set(tensors) == set(theirs)
        for name, tensor in tensors.items():
            assert same_bits(file.read(name), tensor)
            assert same_bits(theirs[name], tensor)


def test_what_the_library_wrote_is_read(place: Path):
    tensors = some_tensors()
    save_file(tensors, place / "theirs.safetensors")
    with open_tensors(place / "theirs.safetensors") as file:
        assert all(same_bits(file.read(name), tensor) for name, tensor in tensors.items())


def test_the_bytes_are_those_of_a_lora_file_and_the_hash_is_theirs(place: Path):
    tensors, metadata = some_tensors(), {"z": "1", "a": "2"}
    digest = write(place / "a.safetensors", tensors, metadata)
    assert (place / "a.safetensors").read_bytes() == container(tensors, metadata)
    assert digest == content_hash(place / "a.safetensors")


def test_a_tensor_that_was_read_may_be_changed(place: Path):
    write(place / "a.safetensors", some_tensors())
    before = content_hash(place / "a.safetensors")
    with open_tensors(place / "a.safetensors") as file:
        file.read("scalar").add_(1)
        assert file.read("scalar") == 4.0
    assert content_hash(place / "a.safetensors") == before


def test_the_order_of_a_file_is_kept(place: Path):
    forms = {"z": Form("F32", (1,)), "a": Form("F16", (1,)), "m": Form("F32", ())}
    values = (torch.tensor([1.0]), torch.tensor([2.0]).half(), torch.tensor(3.0))
    write_tensors(place / "a.safetensors", forms, {}, values)
    with open_tensors(place / "a.safetensors") as file:
        assert list(file.forms.items()) == list(forms.items())
        assert [float(file.read(name)) for name in forms] == [1, 2, 3]


def test_a_seal_is_of_the_data_and_changes_the_header_only(place: Path):
    forms, seen = {"a": Form("F32", (2,))}, []

    def seal(path: Path) -> dict[str, str]:
        seen.append(path.read_bytes()[-8:])
        return {"hash": "f" * 8}

    value = torch.tensor([1.0, 2.0])
    digest = write_tensors(place / "a.safetensors", forms, {"hash": "0" * 8, "b": "1"}, [value], seal)
    assert seen == [value.numpy().tobytes()]
    assert digest == content_hash(place / "a.safetensors")
    with open_tensors(place / "a.safetensors") as file:
        assert file.header.metadata == {"b": "1", "hash": "ffffffff"}
        assert torch.equal(file.read("a"), value)


def test_a_seal_of_another_length_is_refused_and_nothing_is_left(place: Path):
    with pytest.raises(ValueError, match="bytes long"):
        write_tensors(place / "a.safetensors", {}, {"hash": "0"}, [], lambda path: {"hash": "1" * 99})
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    "tensors",
    [[torch.zeros(3)], [torch.zeros(2).half()], [], [torch.zeros(2)] * 2],
    ids=["shape", "type", "too few", "too many"],
)
def test_tensors_of_another_form_are_refused_and_nothing_is_left(place: Path, tensors: list[torch.Tensor]):
    with pytest.raises(ValueError, match=r"should be|shorter|longer"):
        write_tensors(place / "a.safetensors", {"a": Form("F32", (2,))}, {}, tensors)
    assert list(place.iterdir()) == []


def test_an_error_halfway_leaves_the_old_file(place: Path):
    (place / "a.safetensors").write_bytes(b"old")

    def tensors():
        yield torch.zeros(2)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    forms = {"a": Form("F32", (2,)), "b": Form("F32", (2,))}
    with pytest.raises(OSError, match="No space left"):
        write_tensors(place / "a.safetensors", forms, {}, tensors())
    assert [path.name for path in place.iterdir()] == ["a.safetensors"]
    assert (place / "a.safetensors").read_bytes() == b"old"


def test_a_disk_without_room_is_told_before_the_work(place: Path, monkeypatch: pytest.MonkeyPatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(safetensors_stream.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"needs 4\.00 GB, .* has 0\.00 GB free"):
        write_tensors(place / "a.safetensors", {"a": Form("F32", (1_000_000_000,))}, {}, [])
    assert list(place.iterdir()) == []


def test_a_file_that_became_shorter_is_told(place: Path):
    write(place / "a.safetensors", {"a": torch.zeros(100)})
    with open_tensors(place / "a.safetensors") as file:
        os.truncate(place / "a.safetensors", 200)
        with pytest.raises(UserError, match="became shorter"):
            file.read("a")


def lying(header: dict[str, object], data: int = 8) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


LIES = {
    "cut": b"\x00" * 4,
    "endless header": (1 << 60).to_bytes(8, "little") + b"{}",
    "hole": lying({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}),
    "overlap": lying({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "ab"}),
    "other size": lying({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]}}),
    "more data": lying({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, 16),
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES)
def test_a_header_that_lies_is_refused(place: Path, data: bytes):
    (place / "a.safetensors").write_bytes(data)
    with (
        pytest.raises(UserError, match=r"is not a whole \.safetensors file"),
        open_tensors(place / "a.safetensors"),
    ):
        pass


def test_dtypes_have_their_names():
    assert {dtype_name(torch_dtype(name)) for name in safetensors_stream._TORCH_NAMES} == set(
        safetensors_stream.DTYPE_BITS
    )


def test_a_header_is_a_multiple_of_eight_bytes():
    assert all(len(header_bytes({"a" * n: Form("U8", (1,))}, {})) % 8 == 0 for n in range(1, 12))


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions")
def test_others_may_read_the_file_as_the_umask_says(place: Path):
    write(place / "a.safetensors", {"a": torch.zeros(1)})
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((place / "a.safetensors").stat().st_mode) == 0o666 & ~mask


@needs_linux
def test_memory_hangs_on_one_tensor_not_on_the_file(place: Path):
    """12 tensors of 32 MiB are copied within what two of them need."""
    code = f"""
import sys, torch
from pathlib import Path
from wrapper.safetensors_stream import Form, open_tensors, write_tensors
folder, count, side = Path(sys.argv[1]), int(sys.argv[2]), 1 << 24
forms = {{str(number): Form("F16", (side,)) for number in range(count)}}
write_tensors(folder / "big", forms, {{}}, (torch.full((side,), float(n)).half() for n in forms))
with open_tensors(folder / "big") as file:
    write_tensors(folder / "copy", file.forms, {{}}, map(file.read, file.forms))
{PEAK_MIB}print(peak_mib)
"""

    def peak_mib(count: int) -> int:
        argv = [sys.executable, "-c", code, str(place), str(count)]
        return int(subprocess.run(argv, check=True, capture_output=True).stdout)

    assert peak_mib(12) - peak_mib(1) < 64
