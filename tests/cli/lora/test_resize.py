"""`lorawrap lora resize`: what is typed, what is shown, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.lora_tools.changes import lora_of, random_parts
from wrapper.cli.main import run
from wrapper.lora.file import read_lora

MID = "lora_unet_mid_block_attentions_0_proj_in"
UP = "lora_unet_up_blocks_1_resnets_0_conv1"


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    """Singular values 4, 2, 2, 1 in the middle block; a convolution above."""
    mid = {
        "lora_down.weight": torch.eye(4, 16).reshape(4, 16, 1, 1),
        "lora_up.weight": (torch.eye(16, 4) * torch.tensor([4.0, 2.0, 2.0, 1.0])).reshape(16, 4, 1, 1),
        "alpha": torch.tensor(4.0),
    }
    modules = {MID: mid, UP: random_parts((16, 8, 3, 3), 4, 4.0)}
    return lora_of(tmp_path / "ухо 'x' 👂.safetensors", modules)


def ranks(path: Path) -> dict[str, int]:
    modules = read_lora(path).modules()
    return {name: parts["lora_down.weight"].shape[0] for name, parts in modules.items()}


@pytest.mark.parametrize(
    ("options", "mid"),
    [
        (["--rank", "2"], 2),
        (["--energy", "0.9"], 3),
        (["--sv-fro", "0.8"], 1),
        (["--sv-cumulative", "0.7"], 3),
        (["--sv-ratio", "2.5"], 3),
        (["--energy", "0.9", "--rank", "2"], 2),
    ],
    ids=str,
)
def test_ranks_are_chosen_as_typed(lora: Path, tmp_path: Path, options: list[str], mid: int):
    out = tmp_path / "out.safetensors"
    assert run(["lora", "resize", str(lora), "--out", str(out), *options]) == 0
    assert ranks(out)[MID] == mid


def test_what_was_kept_is_shown_by_block_with_both_sizes(lora: Path, tmp_path: Path, capsys):
    out = tmp_path / "out.safetensors"
    assert run(["lora", "resize", str(lora), "--out", str(out), "--rank", "2", "--conv-rank", "1"]) == 0
    assert ranks(out) == {MID: 2, UP: 1}
    shown = capsys.readouterr().out
    assert "mid            1          2  80.00%" in shown
    assert "up 1           1          1  " in shown
    assert f"{lora.stat().st_size / 1e6:.1f} MB before, {out.stat().st_size / 1e6:.1f} MB now" in shown
    assert shown.splitlines()[-1].startswith("next: lorawrap lora info ")


def test_a_dry_run_writes_nothing(lora: Path, tmp_path: Path, capsys):
    assert (
        run(
            [
                "lora",
                "resize",
                str(lora),
                "--out",
                str(tmp_path / "o.safetensors"),
                "--rank",
                "2",
                "--dry-run",
            ]
        )
        == 0
    )
    assert [path.name for path in tmp_path.iterdir()] == [lora.name]
    assert "2 modules, rank 2, about" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give --rank, or how much is to be kept"),
        (["--energy", "0.9", "--sv-ratio", "2"], "--energy and --sv-ratio are two measures of the same"),
        (["--energy", "1.5"], "1.5 is not in the range"),
        (["--rank", "0"], "0 is not in the range"),
        (["--sv-ratio", "1"], "is not in the range"),
    ],
    ids=str,
)
def test_rules_that_say_nothing_or_too_much_are_refused(
    lora: Path, tmp_path: Path, capsys, options: list[str], message: str
):
    assert run(["lora", "resize", str(lora), "--out", str(tmp_path / "o.safetensors"), *options]) == 2
    assert message in capsys.readouterr().err


def test_nothing_is_written_over(lora: Path, tmp_path: Path, capsys):
    assert run(["lora", "resize", str(lora), "--out", str(lora), "--rank", "2", "--force"]) == 2
    assert "is the file that is read" in capsys.readouterr().err
