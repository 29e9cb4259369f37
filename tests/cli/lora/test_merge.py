"""`lorawrap lora merge`: what is typed is what is merged, and nothing is written over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lora.loras import base_layers, random_lora
from tests.lora_tools.changes import deltas, lora_of, random_parts, relative
from tests.single_files import make_single_file
from wrapper.cli.main import run
from wrapper.lora.apply import LoraUse
from wrapper.lora.file import read_lora
from wrapper.lora_tools.making.weights import parse_weighted

UNET = "lora_unet_mid_block_attentions_0_proj_in"
TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    one, two = (
        {UNET: random_parts((16, 16, 1, 1), 4, 2.0, seed), TEXT: random_parts((32, 8), 4, 2.0, 10 + seed)}
        for seed in (1, 2)
    )
    return lora_of(tmp_path / "лицо 'a'.safetensors", one), lora_of(tmp_path / "b 🙂.safetensors", two)


def merge(*words: object) -> int:
    return run(["lora", "merge", *map(str, words)])


def test_weights_are_typed_behind_the_files(files, tmp_path: Path, capsys):
    out = tmp_path / "новая папка" / "both.safetensors"
    assert merge(f"{files[0]}:0.8:0.3", f"{files[1]}:-1.5", "--out", out, "--precision", "fp32") == 0
    one, two, found = deltas(files[0]), deltas(files[1]), deltas(out)
    assert relative(found[UNET], 0.8 * one[UNET] - 1.5 * two[UNET]) < 1e-6
    assert relative(found[TEXT], 0.3 * one[TEXT] - 1.5 * two[TEXT]) < 1e-6
    shown = capsys.readouterr().out
    assert f"{files[0]} at 0.8, text encoders at 0.3" in shown
    assert "2 modules, rank 8, fp32" in shown
    assert shown.splitlines()[-1].startswith(f"next: lorawrap lora info '{out}', or lorawrap export")


@pytest.mark.parametrize(
    "options", [["--rank", "3"], ["--energy", "0.9"], ["--rank", "5", "--energy", "0.9"]]
)
def test_a_rank_or_an_energy_brings_the_sum_down(files, tmp_path: Path, capsys, options: list[str]):
    out = tmp_path / "out.safetensors"
    assert merge(*files, "--out", out, *options) == 0
    ranks = {parts["lora_down.weight"].shape[0] for parts in read_lora(out).modules().values()}
    assert max(ranks) < 8
    assert "energy kept" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(files, tmp_path: Path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert merge(*files, "--out", tmp_path / "new" / "out.safetensors", "--dry-run") == 0
    assert sorted(tmp_path.rglob("*")) == before
    shown = capsys.readouterr().out
    assert "would make" in shown
    assert "2 modules, rank 8, about 0.0 MB" in shown


def test_nothing_is_written_over_without_force(files, tmp_path: Path, capsys):
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"mine")
    assert merge(*files, "--out", out) == 2
    assert out.read_bytes() == b"mine"
    assert "is there already" in capsys.readouterr().err
    assert merge(*files, "--out", out, "--force") == 0
    assert merge(*files, "--out", files[0], "--force") == 2
    assert "is the file that is read" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["file", "folder"])
def test_into_a_base_model(tiny_base, tmp_path: Path, capsys, form: str):
    folder = tiny_base("sd15")
    lora = random_lora(tmp_path / "лора.safetensors", base_layers(folder))
    base = folder if form == "folder" else make_single_file(folder, tmp_path / "base.safetensors")
    out = tmp_path / ("merged" if form == "folder" else "merged.safetensors")
    assert merge(f"{lora}:0.8", "--into", base, "--out", out, "--dry-run") == 0
    assert not out.exists()
    assert merge(f"{lora}:0.8", "--into", base, "--out", out, "--precision", "fp16") == 0
    shown = capsys.readouterr().out
    assert "295 layers changed, " in shown
    assert shown.splitlines()[-1].startswith("next: lorawrap generate --base ")
    assert (
        run(["lora", "extract", str(out), str(base), "--rank", "1", "--out", str(tmp_path / "x.safetensors")])
        == 0
    )


def test_a_folder_that_is_no_model_is_never_replaced(tiny_base, tmp_path: Path, capsys):
    lora = random_lora(tmp_path / "a.safetensors", base_layers(tiny_base("sd15")))
    mine = tmp_path / "my photographs"
    mine.mkdir()
    (mine / "a.jpg").write_bytes(b"mine")
    assert merge(lora, "--into", tiny_base("sd15"), "--out", mine, "--force") == 2
    assert "is not a diffusers model" in capsys.readouterr().err
    assert (mine / "a.jpg").read_bytes() == b"mine"


def test_a_rank_is_not_for_a_base(files, tmp_path: Path, capsys):
    assert merge(files[0], "--into", tmp_path, "--out", tmp_path / "o", "--rank", "4") == 2
    assert "a base has none" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys):
    assert merge(tmp_path / "none.safetensors", "--out", tmp_path / "out.safetensors") == 2
    assert "none.safetensors: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("a.safetensors", LoraUse(Path("a.safetensors"))),
        ("a.safetensors:0.8", LoraUse(Path("a.safetensors"), 0.8)),
        ("a.safetensors:-1:.5", LoraUse(Path("a.safetensors"), -1.0, 0.5)),
        (r"C:\loras\a.safetensors:1", LoraUse(Path(r"C:\loras\a.safetensors"), 1.0)),
        (r"C:\loras\a.safetensors", LoraUse(Path(r"C:\loras\a.safetensors"))),
        ("a:b.safetensors:2", LoraUse(Path("a:b.safetensors"), 2.0)),
    ],
)
def test_how_weights_are_read(text: str, use: LoraUse):
    assert parse_weighted(text) == use


def test_a_file_whose_name_ends_in_a_number_is_itself(tmp_path: Path):
    path = tmp_path / "a:0.5"
    path.touch()
    assert parse_weighted(str(path)) == LoraUse(path)
    assert parse_weighted(f"{path}:2") == LoraUse(path, 2.0)


@pytest.mark.parametrize("weight", ["nan", "inf", "1:-inf"])
def test_infinite_weights_are_refused(files, tmp_path: Path, capsys, weight: str):
    assert merge(f"{files[0]}:{weight}", "--out", tmp_path / "o.safetensors") == 2
    assert "a weight must be finite" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_disk_that_fills_up_leaves_nothing(files, tmp_path: Path):
    """A limit on the size of files stands in for the disk: it comes while the file is written."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500));"
        "from wrapper.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, "lora", "merge", *map(str, files)]
    before = sorted(tmp_path.iterdir())
    done = subprocess.run([*argv, "--out", tmp_path / "out.safetensors"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "File too large" in done.stderr
    assert sorted(tmp_path.iterdir()) == before
