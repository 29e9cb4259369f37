"""A file written tensor after tensor equals one written at once, hashes included."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.export.loras import METADATA, plain_layers, tensors
from wrapper.export.lora_file.writing import write_hashed
from wrapper.lora.file import write_lora

LAYERS = plain_layers("sd15")


@pytest.mark.parametrize(
    ("count", "rank", "more"),
    [
        (3, 2, {}),
        (60, 16, {}),
        (264, 1, {}),
        (3, 2, {"ss_note": "ухо" * 180_000}),
        (9, 2, {"sshs_model_hash": "x"}),
    ],
    ids=["under a MiB", "over a MiB", "many", "metadata over a MiB", "an old hash"],
)
def test_the_bytes_are_those_of_the_writer_that_holds_all_in_memory(
    count: int, rank: int, more: dict[str, str], tmp_path: Path
):
    made = tensors(dict(list(LAYERS.items())[:count]), rank=rank)
    made = {name: tensor.half() if "up" in name else tensor for name, tensor in made.items()}
    write_lora(tmp_path / "at once", made, {**METADATA, **more})
    write_hashed(tmp_path / "one by one", made, {**METADATA, **more})
    assert (tmp_path / "one by one").read_bytes() == (tmp_path / "at once").read_bytes()


def test_what_lies_otherwise_in_memory_is_written_as_it_is_seen(tmp_path: Path):
    whole = torch.arange(12.0).reshape(3, 4)
    write_hashed(tmp_path / "a", {"x": whole.T}, {})
    write_hashed(tmp_path / "b", {"x": whole.T.contiguous()}, {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
