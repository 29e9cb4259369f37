"""The pictures of the guides on training: ``python -m benchmarks.guides.training_pictures``.

Trains seven LoRAs on the tiny base, about a quarter of an hour on one processor core. Each picture is made by
the commands that its guide shows.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.guides.face import take_settings, write_face
from benchmarks.guides.pictures import PICTURES, run_command

SUBJECT = "photo of a myface person, left profile, olive skin, short red hair, green shirt, beige background"
HELD_OUT_NAME = "profile_left_21.png"
HELD_OUT = "photo of a myface person, left profile, olive skin, short red hair"
FAULTS = (
    "photo of a myface person, front view, olive skin, short red hair, blue shirt, grey background",
    "photo of a myface person, left profile, fair skin, long blond hair, white shirt, blue background",
    "photo of a person, front view, fair skin, short black hair, small ears, attached lobes, green shirt, "
    "beige background",
)
"""As it was trained, in another person's hair, and somebody else."""
RATE = "stage_a.kohya.learning_rate"
TEXT_RATE = "stage_a.kohya.text_encoder_lr"
NO_CLASS = "regularisation.source=none"
FACE = (
    "myface woman, head and shoulders photo, front view",
    "myface woman, head and shoulders photo, left profile",
)


def main() -> None:
    """Write all of them."""
    with tempfile.TemporaryDirectory() as folder:
        stages(Path(folder) / "stages")
        face(Path(folder) / "face")
        faults(Path(folder) / "stages", Path(folder) / "alone")


def stages(root: Path) -> None:
    """Stage A by epoch, its loss against a tenth of the rate, and Stage B by epoch on a held-out picture."""
    demo = _demo(root)
    _train(demo, "stage_a", "stage_a.kohya.save_every_n_epochs=8")
    _grid(demo, "checkpoint=none,stage_a", SUBJECT, "stage_a_epochs")
    _keep(demo, root / "as it should be.safetensors")
    _train(demo, "stage_b", "stage_b.kohya.save_every_n_epochs=15")
    held = demo / "dataset" / "holdout"
    image = [
        word for kind in ("image", "mask") for word in (f"--{kind}", str(held / f"{kind}s" / HELD_OUT_NAME))
    ]
    _grid(demo, "checkpoint=none,stage_b", HELD_OUT, "stage_b_epochs", *image)
    for name, rate in (("rate 10 x lower", "1e-4"), ("rate 10 x higher", "1e-2")):
        _train(demo, "stage_a", f"{RATE}={rate}", f"{TEXT_RATE}={rate}")
        _keep(demo, root / f"{name}.safetensors")
    curve = PICTURES / "stage_a_curves.svg"
    run_command("runs", "compare", "stage_a-001", "stage_a-002", "--project", str(demo), "--out", str(curve))


def faults(root: Path, alone: Path) -> None:
    """What is wrong with a LoRA, by what it draws; ``root`` has those that `stages` made."""
    demo = _demo(alone, NO_CLASS)
    found = [
        root / f"{name}.safetensors" for name in ("rate 10 x lower", "as it should be", "rate 10 x higher")
    ]
    for name, steps in (("no class images", 300), ("and 5 x the steps", 1500)):
        _train(demo, "stage_a", NO_CLASS, f"stage_a.kohya.max_train_steps={steps}")
        found.append(_keep(demo, root / f"{name}.safetensors"))
    files = ",".join(f'"{path}"' for path in found)
    prompts = ",".join(f'"{text}"' for text in FAULTS)
    out = root / "faults"
    axes = ["--x", f"lora=none,{files}", "--y", f"prompt={prompts}", "--seed", "5"]
    run_command("compare", "--base", "demo", *axes, "--steps", "24", "--cfg", "2", "--out", str(out))
    _publish(out / "grid.png", "stage_a_faults.webp")


def face(root: Path) -> None:
    """The seven photographs with their copies, the LoRA by epoch, and at four weights."""
    project = root / "lora"
    photos = write_face(root)
    words = ["--subject", "Mira", "--consent", "signed 2026-11-02", "--age", "26-30"]
    run_command("init", str(project), "--photos", str(photos), "--job", "face", *words, "--base", "demo")
    take_settings(project / "lorawrap.toml")
    for step in ("qc", "build"):
        run_command(step, "--project", str(project))
    _copies(photos, project / "dataset" / "stage_a" / "train", "face_photos.webp")
    _train(project, "stage_a")
    front, left = FACE
    output = project / "runs" / "stage_a-001" / "output"
    few = [str(output / f"myface_stage_a-{epoch:06d}.safetensors") for epoch in (1, 3, 6, 10)]
    shown = ",".join(["none", *few, str(_lora(project))])
    axes = ["--x", f"checkpoint={shown}", "--y", f'prompt="{front}","{left}"', "--seed", "3"]
    run_command("compare", "--project", str(project), *axes, "--out", str(root / "epochs"))
    _publish(root / "epochs" / "grid.png", "face_epochs.webp")
    _grid(project, "weight=0.4,0.7,0.8,0.9,1.0", front, "face_weights")


def _demo(root: Path, *settings: str) -> Path:
    demo = root / "demo"
    run_command("demo", "--photos-only", "--out", str(demo))
    run_command("qc", "--project", str(demo))
    run_command("build", "--project", str(demo), *_set(settings))
    return demo


def _train(project: Path, stage: str, *settings: str) -> None:
    run_command("train", stage, "--project", str(project), *_set(settings))


def _grid(project: Path, axis: str, prompt: str, name: str, *more: str) -> None:
    """One row for each of two seeds, as ``docs/pictures/<name>.webp``."""
    out = project.parent / name
    axes = ["--x", axis, "--y", "seed=1,2", "--prompt", prompt, *more]
    run_command("compare", "--project", str(project), *axes, "--out", str(out))
    _publish(out / "grid.png", f"{name}.webp")


def _keep(project: Path, path: Path) -> Path:
    shutil.copyfile(_lora(project), path)
    return path


def _lora(project: Path) -> Path:
    return project / "loras" / "myface_stage_a.safetensors"


def _set(settings: tuple[str, ...]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def _copies(photos: Path, built: Path, name: str, side_px: int = 150) -> None:
    """Photographs in the first row, below them what was made of the first of them: mirrored, re-lit."""
    rows = [sorted(photos.rglob("*.jpg")), sorted(built.rglob("*.png"))[:7]]
    sheet = Image.new("RGB", (side_px * len(rows[0]), side_px * 2), "white")
    for row, paths in enumerate(rows):
        for column, path in enumerate(paths):
            with Image.open(path) as image:
                small = image.convert("RGB").resize((side_px - 4, side_px - 4))
            sheet.paste(small, (column * side_px, row * side_px))
    sheet.save(photos.parent / "sheet.png")
    _publish(photos.parent / "sheet.png", name)


def _publish(path: Path, name: str) -> None:
    """As ``docs/pictures/<name>``, small: guides are cloned with the code."""
    with Image.open(path) as image:
        image.convert("RGB").save(PICTURES / name, quality=88, method=6)


if __name__ == "__main__":
    main()
