"""LoRA files: bytes that are always the same, hashes that others work out too, headers that don't lie."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys

import pytest

from dataset_tools.errors import UserError
from tests.lora.loras import base_layers, random_lora, random_tensors
from wrapper.lora.file import container, read_lora, write_lora
from wrapper.lora.hashes import autov2, autov3, model_hash
from wrapper.lora.layers import Layer
from wrapper.safetensors_header import read_header

torch = pytest.importorskip("torch")
LAYERS = {
    "lora_unet_mid_block_attentions_0_proj_in": Layer(
        "unet", "mid_block.attentions.0.proj_in", (64, 64, 1, 1)
    ),
    "lora_te_text_model_encoder_layers_0_mlp_fc1": Layer("te", "encoder.layers.0.mlp.fc1", (256, 64)),
}
METADATA = {"ss_output_name": 'имя "☕"\n\t\\', "modelspec.title": "t", "ss_steps": "3", "other": "x"}


def test_what_is_written_is_read_again(tmp_path):
    tensors = {name: tensor.half() for name, tensor in random_tensors(LAYERS).items()}
    path = tmp_path / "папка with 'quotes'" / "lora ☕.safetensors"
    write_lora(path, tensors, METADATA)
    lora = read_lora(path)
    assert lora.tensors.keys() == tensors.keys()
    assert all(torch.equal(lora.tensors[name], tensor) for name, tensor in tensors.items())
    assert {key: lora.metadata[key] for key in METADATA} == METADATA
    assert set(lora.metadata) - set(METADATA) == {"sshs_model_hash", "sshs_legacy_hash"}
    assert set(lora.modules()) == set(LAYERS)


def test_the_library_reads_the_file_as_its_own(tmp_path):
    from safetensors.torch import load_file, save_file

    tensors = {name: tensor.half() for name, tensor in random_tensors(LAYERS).items()}
    write_lora(tmp_path / "ours.safetensors", tensors, METADATA)
    save_file(tensors, tmp_path / "theirs.safetensors", read_lora(tmp_path / "ours.safetensors").metadata)
    ours, theirs = (load_file(tmp_path / f"{name}.safetensors") for name in ("ours", "theirs"))
    assert all(torch.equal(ours[name], theirs[name]) for name in tensors)
    assert (tmp_path / "ours.safetensors").stat().st_size == (tmp_path / "theirs.safetensors").stat().st_size
    headers = [read_header(tmp_path / f"{name}.safetensors") for name in ("ours", "theirs")]
    assert headers[0] == headers[1]


def test_equal_loras_are_equal_bytes_whatever_the_order_of_their_parts(tmp_path):
    tensors = random_tensors(LAYERS)
    turned = dict(reversed(tensors.items()))
    write_lora(tmp_path / "a", tensors, METADATA)
    write_lora(tmp_path / "b", turned, dict(reversed(METADATA.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_hashes_are_those_that_sd_scripts_works_out(tmp_path, tiny_base):
    """Its recipe, written out: the library's own save with the ``ss_*`` metadata only."""
    from safetensors.torch import save

    tensors = random_tensors(base_layers(tiny_base("sdxl")), mixed=False)
    path = tmp_path / "a.safetensors"
    write_lora(path, tensors, {**METADATA, "sshs_model_hash": "stale"})
    told = read_lora(path).metadata
    theirs = save(tensors, {key: value for key, value in METADATA.items() if key.startswith("ss_")})
    assert len(theirs) > 0x110000
    start = 8 + int.from_bytes(theirs[:8], "little")
    assert told["sshs_model_hash"] == hashlib.sha256(theirs[start:]).hexdigest() == model_hash(path)
    assert told["sshs_legacy_hash"] == hashlib.sha256(theirs[0x100000:0x110000]).hexdigest()[:8]
    assert autov3(path) == told["sshs_model_hash"][:12]
    assert autov2(path) == hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def test_metadata_do_not_change_the_model_hash_and_other_metadata_not_the_legacy_hash(tmp_path):
    tensors = random_tensors(LAYERS)
    told = []
    for place, metadata in enumerate(({}, {"other": "long " * 99}, {"ss_steps": "3"})):
        write_lora(tmp_path / str(place), tensors, metadata)
        told.append(read_lora(tmp_path / str(place)).metadata)
    assert len({each["sshs_model_hash"] for each in told}) == 1
    assert told[0]["sshs_legacy_hash"] == told[1]["sshs_legacy_hash"]


def test_a_file_can_be_read_by_others_as_the_umask_says(tmp_path):
    old = os.umask(0o022)
    try:
        path = random_lora(tmp_path / "a.safetensors", LAYERS)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("part", ["alpha", "lora_up.weight", "lora_down.weight"])
def test_a_module_with_a_part_missing_is_not_written(part, tmp_path):
    tensors = random_tensors(LAYERS)
    tensors.pop(f"lora_te_text_model_encoder_layers_0_mlp_fc1.{part}")
    with pytest.raises(ValueError, match="lora_te_text_model_encoder_layers_0_mlp_fc1"):
        write_lora(tmp_path / "a.safetensors", tensors, {})
    assert not list(tmp_path.iterdir())


def test_one_alpha_tensor_may_serve_all_modules(tmp_path):
    alpha = torch.tensor(2.0)
    tensors = {n: alpha if n.endswith("alpha") else t for n, t in random_tensors(LAYERS).items()}
    write_lora(tmp_path / "a.safetensors", tensors, {})
    assert float(read_lora(tmp_path / "a.safetensors").tensors[f"{next(iter(LAYERS))}.alpha"]) == 2.0


def _file(header, data=b"\0" * 8, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + data


def _tensor(begin=0, end=8, shape=(2, 2), dtype="F16"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "too short", id="empty"),
        pytest.param(b"\x10\0\0", "too short", id="less than a length"),
        pytest.param(_file({"a": _tensor()}, length=10**9), "claims 1000000000 bytes", id="huge header"),
        pytest.param(_file({"a": _tensor()}, length=5000), "only", id="header longer than the file"),
        pytest.param(_file(b"[1, 2]"), "not JSON", id="a list"),
        pytest.param(_file(b'{"a": '), "not JSON", id="broken JSON"),
        pytest.param(_file(b'{"a": "\xff"}'), "not JSON", id="not UTF-8"),
        pytest.param(_file(b'{"a":' * 50000), "not JSON", id="deep nesting"),
        pytest.param(
            _file(f'{{"a": {json.dumps(_tensor())}, "a": {json.dumps(_tensor())}}}'.encode()),
            "twice",
            id="twins",
        ),
        pytest.param(_file({"a": 3}), "not a tensor", id="a number for a tensor"),
        pytest.param(_file({"a": _tensor(dtype="F17")}), "F17", id="unknown type"),
        pytest.param(_file({"a": _tensor(shape=(-2, -2))}), "makes no sense", id="negative shape"),
        pytest.param(_file({"a": _tensor(shape=(True, 4))}), "makes no sense", id="a truth for a size"),
        pytest.param(_file({"a": _tensor(shape=(3, 2))}), "8 bytes, which is not", id="wrong size"),
        pytest.param(_file({"a": _tensor(8, 0)}), "bytes, which is not", id="backwards"),
        pytest.param(
            _file({"a": _tensor(), "b": _tensor(4, 12)}, b"\0" * 12), "overlap", id="overlapping tensors"
        ),
        pytest.param(_file({"a": _tensor(4, 12)}, b"\0" * 12), "hole", id="a hole at the start"),
        pytest.param(_file({"a": _tensor()}, b"\0" * 7), "7 bytes of data", id="cut off"),
        pytest.param(_file({"a": _tensor()}, b"\0" * 9), "9 bytes of data", id="something at the end"),
        pytest.param(_file({"__metadata__": {"a": 1}}, b""), "metadata", id="metadata not text"),
        pytest.param(_file({"__metadata__": []}, b""), "metadata", id="metadata not a table"),
    ],
)
def test_a_lying_header_is_refused_in_one_sentence(content, says, tmp_path):
    path = tmp_path / "lie.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match=says) as raised:
        read_header(path)
    assert str(path) in raised.value.message
    assert "\n" not in raised.value.message


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none.safetensors"):
        with pytest.raises(UserError, match=str(path)):
            read_header(path)


def test_an_empty_tensor_and_no_tensor_are_fine(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(_file({"a": _tensor(0, 0, (0, 4)), "b": _tensor(0, 8)}))
    assert read_header(path).tensors["b"].shape == (2, 2)
    path.write_bytes(container({}, {"k": "v"}))
    assert read_header(path).metadata == {"k": "v"}


def test_headers_names_and_detection_need_no_torch():
    code = (
        "import sys, wrapper.safetensors_header, wrapper.lora.names, wrapper.lora.file, wrapper.lora.apply,"
        " wrapper.lora.metadata, wrapper.lora.verify, wrapper.base_model.detect, wrapper.base_model.load\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'peft', 'safetensors', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
