"""Pickled bases: opened only when that is asked for, and then as weights alone."""

from __future__ import annotations

import pickle
import shutil

import pytest

from dataset_tools.errors import UserError
from tests.single_files import make_single_file
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_components

torch = pytest.importorskip("torch")


@pytest.fixture
def checkpoint(tiny_base, tmp_path):
    """A tiny SD 1.5 as ``.ckpt``, its tensors below ``state_dict`` as old trainers wrote them."""
    from safetensors.torch import load_file

    tensors = load_file(make_single_file(tiny_base("sd15"), tmp_path / "base.safetensors"))
    file = tmp_path / "старая 'модель' ☕.ckpt"
    torch.save({"state_dict": tensors, "global_step": 3}, file)
    return file


def test_a_checkpoint_that_is_asked_for_is_the_model_of_its_folder(checkpoint, tiny_base):
    info = detect(checkpoint, allow_pickle=True)
    assert (info.kind, info.inpaint, info.single_file) == ("sd15", False, True)
    parts = load_components(info, torch.float32, tiny_base("sd15") / "tokenizer")
    weights = load_components(detect(tiny_base("sd15")), torch.float32).unet.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in parts.unet.state_dict().items())


def test_without_being_asked_for_it_is_refused_with_the_option_named(checkpoint):
    with pytest.raises(UserError, match="pickled checkpoint") as raised:
        detect(checkpoint)
    assert "--allow-pickle" in raised.value.hint


class _Runs:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (self.target, "w")


def test_code_in_a_pickle_is_never_run(tmp_path):
    file, target = tmp_path / "evil.ckpt", tmp_path / "written by code"
    file.write_bytes(pickle.dumps({"state_dict": _Runs(str(target))}, protocol=2))
    torch.save({"state_dict": _Runs(str(target))}, tmp_path / "evil.pt")
    for name in ("evil.ckpt", "evil.pt"):
        with pytest.raises(UserError, match="cannot be opened as weights alone"):
            detect(tmp_path / name, allow_pickle=True)
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"no pickle at all", b"PK\x03\x04 half a zip"])
def test_a_broken_file_is_one_sentence(content, tmp_path):
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(UserError, match="cannot be opened"):
        detect(tmp_path / "a.ckpt", allow_pickle=True)


def test_a_folder_of_pickled_parts_loads_when_asked_for(tiny_base, tmp_path):
    from safetensors.torch import load_file

    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    for file in folder.rglob("*.safetensors"):
        name = "pytorch_model.bin" if "text_encoder" in str(file.parent) else f"{file.stem}.bin"
        torch.save(load_file(file), file.parent / name)
        file.unlink()
    parts = load_components(detect(folder, allow_pickle=True), torch.float32)
    weights = load_components(detect(tiny_base("sd15")), torch.float32).unet.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in parts.unet.state_dict().items())
    with pytest.raises(UserError, match=r"no \.safetensors weights"):
        load_components(detect(folder), torch.float32)
