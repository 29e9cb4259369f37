"""Photographs of any size and format, with a hand-made mask, go the whole way through the same commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.forked_trainers import forked_trainers
from wrapper.cli.main import run

__all__ = ["forked_trainers"]
EAR_BOX = (120, 110, 190, 210)
CONFIG = """
[project]
name = "astronaut"
engine = "embedded"
[manifest]
path = "manifest.jsonl"
[crop]
size = 64
context = 2.0
[captions]
trigger = "astra"
class_word = "woman"
template = "portrait"
[dataset]
holdout = "manifest"
[stage_a]
preset = "demo"
[stage_a.kohya]
max_train_steps = 2
[stage_b]
preset = "demo"
[stage_b.kohya]
max_train_steps = 2
[generate]
prompts = ["photo of an astra woman, front view"]
steps = 2
width = 64
height = 64
seeds = [1]
[inpaint]
steps = 2
[evaluate]
seeds = [1]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs that come with scikit-image: a JPEG turned by EXIF, a WebP and a PNG, each with a mask."""
    from skimage import data

    folder = tmp_path_factory.mktemp("Фото астронавта 👂 'real'")
    portrait = Image.fromarray(data.astronaut())
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side, to be shown turned by 90° clockwise
    portrait.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", quality=95, exif=exif)
    ear_mask(portrait.size).save(folder / "turned_mask.png")
    large = Image.fromarray(data.retina()).resize((777, 777), Image.Resampling.LANCZOS)
    large.save(folder / "large.webp", quality=95)
    ear_mask(large.size).save(folder / "large_mask.png")
    galaxies = Image.fromarray(data.hubble_deep_field()).crop((0, 0, 860, 840))
    galaxies.save(folder / "ear Ж.png")
    ear_mask(galaxies.size).save(folder / "ear_mask.png")
    names = [("turned.jpg", "turned_mask.png", "train"), ("large.webp", "large_mask.png", "train")]
    names.append(("ear Ж.png", "ear_mask.png", "holdout"))
    row = {
        "subject": "Eileen Collins",
        "consent": "NASA, public domain",
        "age": "31-35",
        "view": "front",
        "type": "bust",
        "ear_side": "left",
    }
    rows = [{**row, "image": image, "mask": mask, "split": split} for image, mask, split in names]
    (folder / "manifest.jsonl").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    (folder / "lorawrap.toml").write_text(CONFIG, encoding="utf-8")
    return folder


def ear_mask(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", (512, 512), 0)
    ImageDraw.Draw(mask).ellipse(EAR_BOX, fill=255)
    return mask.resize(size)


def originals(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.mark.usefixtures("forked_trainers")
def test_the_whole_job_runs_and_touches_no_original(project: Path, capfd: pytest.CaptureFixture[str]):
    before = originals(project)
    assert run(["run", "--project", str(project)]) == 0, capfd.readouterr().err
    assert {name: data for name, data in originals(project).items() if name in before} == before
    assert (project / "report.html").is_file()
    assert sorted(path.name for path in (project / "loras").iterdir()) == [
        "astronaut_stage_a.safetensors",
        "astronaut_stage_b.safetensors",
    ]
    scores = json.loads((project / "evaluation.json").read_text(encoding="utf-8"))
    assert scores["outside_mask_max_abs_diff"] == 0
    assert set(scores["masked"]) == {"hole", "base", "stage_a", "stage_b"}
    assert (project / "export" / "a1111" / "models" / "Lora" / "astronaut_stage_b.safetensors").is_file()
    again = run(["run", "--project", str(project)])
    assert again == 0
    assert capfd.readouterr().out.count("up to date") == 9


def test_inpainting_keeps_the_photograph_outside_the_mask(project: Path, tmp_path: Path):
    out = tmp_path / "repaired.png"
    argv = ["inpaint", "--base", "demo", "--image", str(project / "large.webp")]
    argv += ["--mask", str(project / "large_mask.png"), "--prompt", "photo of a person", "--steps", "2"]
    assert run([*argv, "--seed", "3", "--mask-blur", "4", "--out", str(out)]) == 0
    with Image.open(project / "large.webp") as image:
        truth = np.asarray(image.convert("RGB"))
    with Image.open(project / "large_mask.png") as image:
        mask = np.asarray(image)
    with Image.open(out) as image:
        painted = np.asarray(image.convert("RGB"))
    assert painted.shape == truth.shape
    far = np.ones(mask.shape, bool)
    ys, xs = np.nonzero(mask)
    far[max(ys.min() - 16, 0) : ys.max() + 17, max(xs.min() - 16, 0) : xs.max() + 17] = False
    assert np.array_equal(painted[far], truth[far])
    assert not np.array_equal(painted[mask > 127], truth[mask > 127])
