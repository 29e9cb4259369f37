"""merge, resize and extract against sd-scripts' own tools of that name: the same change of every layer.

They clamp what they decompose at a quantile of its values, which loses more than the rank does (even at a
quantile of 1: below minus the largest number). Here that is off: both should give the best approximation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.lora.loras import base_layers, random_lora
from tests.lora_tools.changes import deltas, relative
from tests.models import Kind
from tests.sd_scripts.harness import SHRINK, Base, Scripts
from wrapper.cli.main import run
from wrapper.lora.file import read_lora

WEIGHTS = ("0.75", "-0.5")
MAIN = 'if __name__ == "__main__":'
UNCLAMPED = "torch.quantile = lambda values, share: values.abs().max()\n"
MERGE_INTO = {"sd15": "networks/merge_lora.py", "sdxl": "networks/sdxl_merge_lora.py"}


@pytest.fixture
def tool(newest_scripts: Scripts, tmp_path: Path) -> Callable[..., Path]:
    """``tool(base, "networks/x.py", …)`` runs it, clamping nothing, and returns what it made."""

    def made(base: Base, script: str, *arguments: object) -> Path:
        out, runner = tmp_path / "theirs.safetensors", tmp_path / "run.py"
        source = (newest_scripts.checkout / script).read_text(encoding="utf-8")
        runner.write_text(source.replace(MAIN, UNCLAMPED + MAIN), encoding="utf-8")
        places = (SHRINK, newest_scripts.checkout, newest_scripts.checkout / "networks")
        env = {"PYTHONPATH": ":".join(map(str, places))}
        words = [*map(str, arguments), "--save_to", str(out)]
        done = newest_scripts.run(base, runner, words, env)
        assert done.returncode == 0, done.stdout
        return out

    return made


@pytest.fixture
def loras(tiny_base: Callable[..., Path], tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def two(kind: Kind, mixed: bool = True) -> tuple[Path, Path]:
        layers = base_layers(tiny_base(kind))
        return tuple(random_lora(tmp_path / f"{n}.safetensors", layers, n, mixed) for n in (1, 2))

    return two


def lora(*words: object) -> None:
    assert run(["lora", *map(str, words)]) == 0


def weighted(files: tuple[Path, Path]) -> list[str]:
    return [f"{path}:{weight}" for path, weight in zip(files, WEIGHTS, strict=True)]


def worst(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    assert set(found) == set(wanted)
    return max(relative(found[name], change) for name, change in wanted.items())


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a_sum_brought_to_a_rank(kind: Kind, single_base, tool, loras, tmp_path: Path):
    files, out = loras(kind), tmp_path / "ours.safetensors"
    lora("merge", *weighted(files), "--rank", 3, "--conv-rank", 2, "--precision", "fp32", "--out", out)
    options = ("--new_rank", 3, "--new_conv_rank", 2, "--precision", "float", "--save_precision", "float")
    models = ("--models", *files, "--ratios", *WEIGHTS)
    theirs = tool(single_base(kind), "networks/svd_merge_lora.py", *models, *options)
    assert worst(deltas(out), deltas(theirs)) < 1e-4


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_into_a_base(kind: Kind, single_base, tool, loras, tmp_path: Path):
    base, files, out = single_base(kind), loras(kind), tmp_path / "ours.safetensors"
    lora("merge", *weighted(files), "--into", base.file, "--out", out)
    models = ("--sd_model", base.file, "--models", *files, "--ratios", *WEIGHTS)
    theirs = load_file(tool(base, MERGE_INTO[kind], *models, "--precision", "float"))
    ours, before, compared = load_file(out), load_file(base.file), 0
    for name, tensor in ours.items():
        if name in theirs and theirs[name].is_floating_point():
            assert torch.allclose(theirs[name].float().reshape(tensor.shape), tensor, atol=1e-5), name
            compared += not torch.equal(tensor, before[name])
    assert compared > 200


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a_rank(kind: Kind, single_base, tool, loras, tmp_path: Path):
    file, out = loras(kind, mixed=False)[0], tmp_path / "ours.safetensors"
    lora("resize", file, "--rank", 2, "--precision", "fp32", "--out", out)
    options = ("--new_rank", 2, "--save_precision", "float", "--device", "cpu")
    assert (
        worst(
            deltas(out), deltas(tool(single_base(kind), "networks/resize_lora.py", "--model", file, *options))
        )
        < 1e-4
    )


@pytest.mark.parametrize(("method", "target"), [("sv_fro", 0.8), ("sv_cumulative", 0.6), ("sv_ratio", 1.5)])
def test_a_measure_keeps_no_more_than_theirs(method: str, target: float, single_base, tool, loras, tmp_path):
    """They keep one or two singular values more than the measure asks for."""
    file, out = loras("sd15", mixed=False)[0], tmp_path / "ours.safetensors"
    lora("resize", file, f"--{method.replace('_', '-')}", target, "--precision", "fp32", "--out", out)
    options = (
        "--new_rank",
        4,
        "--dynamic_method",
        method,
        "--dynamic_param",
        target,
        "--save_precision",
        "float",
    )
    theirs = read_lora(
        tool(single_base("sd15"), "networks/resize_lora.py", "--model", file, *options)
    ).modules()
    ours = read_lora(out).modules()
    ranks = [
        (ours[name]["lora_down.weight"].shape[0], parts["lora_down.weight"].shape[0])
        for name, parts in theirs.items()
    ]
    assert all(0 <= more - less <= 2 for less, more in ranks)
    assert len({less for less, _ in ranks}) > 1


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_difference_of_two_models(kind: Kind, single_base, tool, loras, tmp_path: Path):
    base, files = single_base(kind), loras(kind, mixed=False)
    tuned, out = tmp_path / "tuned.safetensors", tmp_path / "ours.safetensors"
    lora("merge", *weighted(files), "--into", base.file, "--out", tuned)
    lora("extract", tuned, base.file, "--rank", 3, "--conv-rank", 2, "--precision", "fp32", "--out", out)
    options = ("--dim", 3, "--conv_dim", 2, "--save_precision", "float")
    kinds = ("--sdxl",) if kind == "sdxl" else ()
    models = ("--model_org", base.file, "--model_tuned", tuned)
    theirs = tool(base, "networks/extract_lora_from_models.py", *models, *options, *kinds)
    assert worst(deltas(out), deltas(theirs)) < 1e-3
