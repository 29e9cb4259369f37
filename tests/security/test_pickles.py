"""Code in a pickle is run by none of the commands, whatever the file is called and wherever it lies."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dataset_tools.errors import UserError
from tests.fuzz.test_foreign import lora
from wrapper.base_model.detect import detect
from wrapper.base_model.load import load_components
from wrapper.base_model.weights_file import require_safe_torch
from wrapper.cli.main import run
from wrapper.evaluation.measures.lpips import load_lpips
from wrapper.kohya.checks.caches import _shapes
from wrapper.lora.file import read_lora
from wrapper.lora.spellings.read import read_any
from wrapper.trainer.state import NETWORK, OPTIMIZER, load_state

torch = pytest.importorskip("torch")


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return open, (str(self.target), "w")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """What the code would write."""
    return tmp_path / "written by code"


@pytest.fixture(params=["plain", "torch's"])
def evil(request: pytest.FixtureRequest, target: Path) -> Callable[[Path], Path]:
    """Writes a pickle with code to a path."""

    def write(path: Path) -> Path:
        content = {"state_dict": {"a": Runs(target)}, "optimizer": Runs(target)}
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.param == "plain":
            path.write_bytes(pickle.dumps(content, protocol=2))
        else:
            torch.save(content, path)
        return path

    return write


def test_the_pickle_does_run_code_where_it_is_opened_as_python_does(tmp_path, target):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Runs(target)))
    with (tmp_path / "evil.pkl").open("rb") as stream:
        pickle.load(stream).close()
    assert target.exists()


NAMES = ("a.ckpt", "a.pt", "a.pth", "a.bin", "a.safetensors", "a.pkl", "a")
READERS: dict[str, Callable[[Path], Any]] = {
    "a base model": detect,
    "a base model, pickles allowed": partial(detect, allow_pickle=True),
    "a LoRA": read_lora,
    "a LoRA of any program": read_any,
    "LPIPS' weights": lambda path: load_lpips([path]),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", READERS)
def test_a_file_with_code_is_refused(kind, name, evil, target, tmp_path):
    with pytest.raises(UserError):
        READERS[kind](evil(tmp_path / name))
    assert not target.exists()


def test_commands_on_a_lora_refuse_it(evil, target, tmp_path, capsys):
    for name in ("a.pt", "a.safetensors"):
        path = str(evil(tmp_path / name))
        assert run(["lora", "info", path]) == 2
        assert run(["lora", "convert", path, str(tmp_path / "out.safetensors")]) == 2
        assert run(["export", path, "--to", str(tmp_path / "out")]) == 2
    assert not target.exists()
    assert "Traceback" not in capsys.readouterr().err


PLACES = (
    "unet/diffusion_pytorch_model.bin",
    "vae/diffusion_pytorch_model.bin",
    "text_encoder/pytorch_model.bin",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("allow", [False, True], ids=["by default", "pickles allowed"])
def test_a_part_of_a_base_that_is_a_pickle_runs_nothing(place, allow, evil, target, tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base")
    for weights in (folder / place).parent.glob("*.safetensors"):
        weights.unlink()
    evil(folder / place)
    with pytest.raises(UserError):
        load_components(detect(folder, allow_pickle=allow), torch.float32)
    assert not target.exists()


def test_an_index_of_safetensors_cannot_name_a_pickle(evil, target, tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "base") / "unet"
    weights = next(folder.glob("*.safetensors"))
    from safetensors import safe_open

    with safe_open(weights, framework="pt") as stream:
        names = list(stream.keys())
    weights.unlink()
    evil(folder / "evil.bin")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "evil.bin")}
    (folder / f"{weights.name}.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_components(detect(folder.parent), torch.float32)
    assert not target.exists()


def test_a_saved_state_from_elsewhere_runs_nothing(evil, target, tmp_path):
    (tmp_path / NETWORK).write_bytes(lora())
    evil(tmp_path / OPTIMIZER)
    from safetensors.torch import load_file

    tensors = load_file(tmp_path / NETWORK)
    network = SimpleNamespace(tensors=lambda: tensors, modules={}, load_state_dict=lambda *_, **__: None)
    learner: Any = SimpleNamespace(network=network, optimizer=None, schedule=None, scaler=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wrapper.trainer.state.load_weights", lambda *_: None)
        with pytest.raises(UserError, match="no saved state of this trainer"):
            load_state(tmp_path, learner)
    assert not target.exists()


def test_cached_latents_with_objects_run_nothing(target, tmp_path):
    path = tmp_path / "a_sd.npz"
    np.savez(path, latents=np.array([Runs(target)], dtype=object))
    assert _shapes(path) == {"latents": (1,)}
    assert not target.exists()


def test_a_torch_that_opens_pickles_unsafely_opens_none(monkeypatch, tmp_path):
    monkeypatch.setattr(torch, "__version__", "2.5.1+cu124")
    with pytest.raises(UserError, match=r"torch 2\.5\.1\+cu124 cannot open a pickle safely"):
        require_safe_torch(tmp_path / "a.ckpt")
    monkeypatch.setattr(torch, "__version__", "2.6.0")
    require_safe_torch(tmp_path / "a.ckpt")
