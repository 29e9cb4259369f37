"""A run of Stage B with checkpoints whose error is known, in a small project.

The held-out truth is what one checkpoint, the teacher, paints: it alone is without error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dataset_tools.building.dataset import Subset, read_dataset, write_dataset
from dataset_tools.files import write_json, write_text
from dataset_tools.pictures.images import read_rgb, save_png
from tests.diffusion.small_lora import write_small_lora
from tests.evaluation.projects import make_project

STRENGTHS = (0.5, 1.5, 3.0, 5.0, 8.0)
TEACHER = 2
STEPS_AN_EPOCH = 30
SEED = 1


def make_run(folder: Path, tiny_base: Callable[..., Path], images: int = 6) -> Path:
    """A project whose Stage B run saved a checkpoint an epoch; the teacher is epoch 3 of 5."""
    make_project(folder, tiny_base, images)
    (folder / "loras" / "my face_stage_a.safetensors").unlink()
    settings = (folder / "lorawrap.toml").read_text(encoding="utf-8")
    write_text(folder / "lorawrap.toml", settings.replace("seeds = [1, 2]", f"seeds = [{SEED}]"))
    checkpoints = write_checkpoints(folder, STRENGTHS)
    _training_images(folder)
    teach(folder, checkpoints[TEACHER])
    return folder


def write_checkpoints(folder: Path, strengths: Sequence[float]) -> list[Path]:
    """One LoRA an epoch in ``runs/stage_b-001/output``; the last is the published one."""
    output = folder / "runs" / "stage_b-001" / "output"
    published = folder / "loras" / "my face_stage_b.safetensors"
    last = len(strengths)
    paths = [output / f"my face_stage_b-{epoch:06d}.safetensors" for epoch in range(1, last)] + [published]
    for epoch, (path, strength) in enumerate(zip(paths, strengths, strict=True), start=1):
        write_small_lora(path, seed=1, strength=strength)
        _told(path, {"ss_steps": str(epoch * STEPS_AN_EPOCH), "ss_epoch": str(epoch)})
    output.joinpath(published.name).write_bytes(published.read_bytes())
    write_json(folder / "runs" / "stage_b-001" / "run.json", {"stage": "stage_b", "status": "succeeded"})
    write_text(
        folder / "runs" / "stage_b-001" / "train.toml",
        "[training]\nmasked_loss = true\nmasked_loss_normalize = true\nmin_snr_gamma = 5.0\n",
    )
    return paths


def _told(path: Path, metadata: dict[str, str]) -> None:
    from wrapper.lora.file import read_lora, write_lora

    lora = read_lora(path)
    write_lora(path, lora.tensors, {**lora.metadata, **metadata})


def _training_images(folder: Path) -> None:
    """Two of the held-out images, to stand for what was trained on."""
    built = read_dataset(folder / "dataset")
    place, masks = "stage_b/train/all/1_x person", "stage_b/masks/all/1_x person"
    for number, held in enumerate(built.holdout[:2]):
        for source, target in ((held.image, place), (str(held.mask), masks)):
            path = folder / "dataset" / target / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((folder / "dataset" / source).read_bytes())
        write_text(folder / "dataset" / place / f"{number}.txt", "photo of a woman\n")
    subset = Subset(
        image_dir=place, num_repeats=1, class_tokens="x person", mask_dir=masks, images=2, bucket="all"
    )
    write_dataset(folder / "dataset", built.model_copy(update={"stages": {"stage_b": [subset]}}))


def teach(folder: Path, lora: Path) -> None:
    """Repaint the held-out images with ``lora``: from now on that is the truth."""
    from wrapper.diffusion.inpainting.inpaint import repaint
    from wrapper.diffusion.pipelines.opening import open_pipeline, project_base
    from wrapper.diffusion.pipelines.sampling import Sampling
    from wrapper.diffusion.prompts.prompt import Prompt
    from wrapper.evaluation.holdout import read_holdout
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import load_project

    project = load_project(folder)
    how = project.settings.inpaint
    pipeline = open_pipeline(project_base(project, "inpaint"), "inpaint", [LoraUse(lora)])
    built = read_dataset(folder / "dataset")
    images = read_holdout(built, folder / "dataset")
    painted = repaint(
        pipeline,
        [image.pixels for image in images],
        [image.mask.astype("uint8") * 255 for image in images],
        [Prompt(image.caption, image.negative, SEED) for image in images],
        Sampling(how.sampler, how.steps, how.cfg),
    )
    for held, image, picture in zip(built.holdout, images, painted, strict=True):
        path = folder / "dataset" / held.image
        save_png(path, image.filled(picture))
        assert (read_rgb(path) == image.filled(picture)).all()
