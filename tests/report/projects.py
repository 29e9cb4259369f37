"""A project as a whole run leaves it, in the real shapes of every record, made without any model."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from dataset_tools.building.dataset import BuiltDataset, HeldOut, Refused, Subset, write_dataset
from dataset_tools.files import write_json, write_text
from wrapper.export.job import RECORD
from wrapper.project.layout import STAGES, ProjectPaths
from wrapper.project.load import Project, load_project

HOSTILE = "<script>alert(1)</script> & «ухо» 🙂"
VARIANTS = {"hole": 14.9, "base": 14.5, "stage_a": 16.8, "stage_b": 18.2}
SIDE = 64


def head(path: Path, hue: int, ear: tuple[int, int, int] | None = (64, 208, 200)) -> Path:
    """A small drawn head whose ear has the colour ``ear``; None leaves a grey hole."""
    image = Image.new("RGB", (SIDE, SIDE), (200, 205, 215))
    draw = ImageDraw.Draw(image)
    draw.ellipse((14, 8, 50, 58), fill=(210, 160 + hue % 40, 130))
    draw.ellipse((44, 26, 56, 44), fill=ear or (128, 128, 128))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def mask(path: Path) -> Path:
    """The ear of `head`, white."""
    image = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(image).ellipse((42, 24, 58, 46), fill=255)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def make_project(root: Path, gain: float = 3.7) -> Project:
    """Everything that a run of all steps leaves; ``gain`` is what Stage B adds in dB."""
    paths = ProjectPaths(root)
    write_text(paths.file, '[project]\nname = "myface"\n[manifest]\npath = "manifest.jsonl"\n')
    _qc(paths)
    _dataset(paths)
    for stage in STAGES:
        _run(paths, stage)
    _txt2img(paths)
    _evaluation(paths, gain)
    _export(paths)
    return load_project(root)


def _qc(paths: ProjectPaths) -> None:
    rows = [_qc_row(f"photos/front_{i:02d}.png", "OK", []) for i in range(9)]
    rows.append(_qc_row("photos/soft.png", "WARN", ["Soft: sharpness 0.31, wanted 0.4."]))
    rows.append(_qc_row(f"photos/{HOSTILE.replace('/', '')}.png", "REJECT", [f"Blank. {HOSTILE}"]))
    for number, row in enumerate(rows):
        head(paths.root / row["path"], number * 5)
    rows.append({**_qc_row("photos/gone.png", "REJECT", ["Truncated."]), "width": None, "error": "truncated"})
    write_text(paths.qc / "qc.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def _qc_row(path: str, status: str, messages: list[str]) -> dict[str, Any]:
    reasons = [
        {"code": "x", "message": text, "measure": "sharpness", "value": 0.3, "threshold": 0.4}
        for text in messages
    ]
    return {
        "path": path,
        "status": status,
        "reasons": reasons,
        "scores": {"blur": 0.9},
        "noise_sigma": 1.0,
        "jpeg_quality": None,
        "width": SIDE,
        "height": SIDE,
        "duplicate_of": None,
        "error": None,
    }


def _dataset(paths: ProjectPaths) -> None:
    folder = paths.dataset
    buckets = {"front": (4, 2), "profile_left": (3, 3), "profile_right": (2, 4)}
    stages: dict[str, list[Subset]] = {stage: [] for stage in STAGES}
    for stage, subsets in stages.items():
        for bucket, (images, repeats) in buckets.items():
            name = f"{repeats}_myface person"
            image_dir, mask_dir = f"{stage}/train/{bucket}/{name}", f"{stage}/masks/{bucket}/{name}"
            for number in range(images):
                picture = head(folder / image_dir / f"{bucket}_{number}.png", number * 9)
                caption = (
                    f"photo of a myface person, {bucket} view, {HOSTILE if number == 0 else 'pointed ears'}"
                )
                picture.with_suffix(".txt").write_text(caption, encoding="utf-8")
                mask(folder / mask_dir / picture.name)
            subsets.append(
                Subset(
                    image_dir=image_dir,
                    num_repeats=repeats,
                    class_tokens="myface person",
                    mask_dir=mask_dir if stage == "stage_b" else None,
                    images=images,
                    bucket=bucket,
                )
            )
    reg = Subset(
        image_dir="stage_a/reg/1_person",
        num_repeats=1,
        class_tokens="person",
        is_reg=True,
        images=20,
        bucket="reg",
    )
    stages["stage_a"].append(reg)
    held = [_held_out(folder, number) for number in range(5)]
    refused = [
        Refused(image="photos/gone.png", reason="QC: Truncated."),
        Refused(image=HOSTILE, reason="no consent"),
    ]
    balance = {stage: {"imbalance": 0.125} for stage in stages}
    built = BuiltDataset(
        size=SIDE, stages=stages, holdout=held, refused=refused, balance=balance, key="0" * 64
    )
    write_dataset(folder, built)


def _held_out(folder: Path, number: int) -> HeldOut:
    name = f"held_{number}.png"
    head(folder / "holdout" / "images" / name, number * 7)
    mask(folder / "holdout" / "masks" / name)
    return HeldOut(
        name=name[:-4],
        image=f"holdout/images/{name}",
        mask=f"holdout/masks/{name}",
        caption="photo of a myface person",
        negative="",
        subject="myface",
        age="23-25",
        view="front",
        original=f"photos/{name}",
    )


def _run(paths: ProjectPaths, stage: str) -> None:
    run, steps = paths.run(stage), 120
    learning = '[optimizer_arguments]\nlearning_rate = 1e-4\noptimizer_type = "AdamW"\n'
    write_text(
        paths.train_toml(stage), f"[network_arguments]\nnetwork_dim = 8\n{learning}max_bucket = [1, 2]\n"
    )
    dataset = (
        '[general]\nresolution = 64\n[[datasets]]\nbatch_size = 8\n[[datasets.subsets]]\nimage_dir = "x"\n'
    )
    write_text(paths.dataset_toml(stage), dataset)
    losses = [0.05 + 0.1 * math.exp(-step / 30) + 0.01 * math.sin(step) for step in range(1, steps + 1)]
    events = [
        {"step": step, "steps": steps, "loss": round(loss, 5), "elapsed_s": step // 4}
        for step, loss in enumerate(losses, start=1)
    ]
    write_text(run.events, "".join(json.dumps(event) + "\n" for event in events) + '{"step": 12')
    record = {
        "stage": stage,
        "engine": "embedded",
        "script": "train_network",
        "shell": f"accelerate launch -m wrapper.trainer.train_network --config_file '{HOSTILE}'",
        "resumed_from": None,
        "versions": {"lorawrap": "0.1.0", "python": "3.11.7", "torch": "2.13.0+cpu"},
        "origins": {"learning_rate": "lorawrap.toml", "network_dim": "preset demo", "resolution": "lorawrap"},
        "base": {"path": "/somewhere/tiny", "sha256": "0" * 64},
        "planned_steps": steps,
        "status": "succeeded",
        "steps": steps,
        "started": "2026-01-01T10:00:00+00:00",
        "ended": "2026-01-01T10:01:05+00:00",
    }
    write_json(run.record, record)


def _txt2img(paths: ProjectPaths) -> None:
    shots = []
    for number, prompt in enumerate(
        ["photo of a myface person, front view", f"back view, {HOSTILE}"], start=1
    ):
        for seed in (1, 2):
            stem = f"txt2img/{number:02d}_seed{seed}"
            shot = {"base": f"{stem}_base.png", "lora": f"{stem}_myface_stage_a.png"}
            head(paths.images / shot["base"], seed * 11, (210, 150, 130))
            head(paths.images / shot["lora"], seed * 11)
            shots.append({"prompt": prompt, "negative": "extra ears", "seed": seed, **shot})
    write_json(paths.images / "txt2img.json", shots)


def _evaluation(paths: ProjectPaths, gain: float) -> None:
    means = {**VARIANTS, "stage_b": VARIANTS["base"] + gain}
    colours = {"hole": None, "base": (190, 140, 120), "stage_a": (130, 180, 170), "stage_b": (70, 205, 196)}
    scores, pictures = [], []
    for number in range(5):
        name = f"held_{number}"
        row = {
            "image": name,
            "original": f"images/inpaint/original/{name}.png",
            "row": f"images/inpaint/{name}.png",
        }
        head(paths.root / row["original"], number * 7)
        for variant, mean in means.items():
            seeds = [None] if variant == "hole" else [1, 2]
            for seed in seeds:
                file = f"images/inpaint/{variant}/{name}" + (f"_seed{seed}.png" if seed else ".png")
                head(paths.root / file, number * 7, colours[variant])
                row.setdefault(variant, file)
                psnr = mean + (number - 2) * (0.5 if variant == "stage_b" else 0.1)
                scores.append(_score(name, variant, seed, psnr, file))
        pictures.append(row)
    write_json(paths.evaluation, _evaluation_record(means, gain, pictures, scores))


def _score(image: str, variant: str, seed: int | None, psnr: float, file: str) -> dict[str, Any]:
    told = {"image": image, "variant": variant, "seed": seed, "psnr_db": psnr, "ssim": psnr / 25}
    return {**told, "outside_max_abs_diff": 0, "picture": file}


def _evaluation_record(
    means: dict[str, float], gain: float, pictures: list[dict[str, str]], scores: list[dict[str, Any]]
) -> dict[str, Any]:
    masked = {
        name: {
            "psnr_db": {"mean": mean, "sd": 1.1, "n": 5 if name == "hole" else 10, "seed_sd": 0.1},
            "ssim": {"mean": mean / 25, "sd": 0.05, "n": 10, "seed_sd": 0.01},
        }
        for name, mean in means.items()
    }
    difference = {"mean": gain, "low": gain - 0.9, "high": gain + 0.9, "n": 5}
    return {
        "masked": masked,
        "outside_mask_max_abs_diff": 0,
        "verdict": {
            "candidate": "stage_b",
            "baseline": "base",
            "better": difference["low"] > 0,
            "psnr_db_difference": difference,
            "ssim_difference": {"mean": gain / 25, "low": 0.1, "high": 0.2, "n": 5},
            "text": f"Stage B and the base: {gain:+.2f} dB masked PSNR.",
        },
        "settings": {"sampler": "Euler a", "steps": 20, "cfg": 3.0, "strength": 1.0, "seeds": [1, 2]},
        "pictures": pictures,
        "per_image": scores,
    }


def _export(paths: ProjectPaths) -> None:
    files = [
        {
            "target": target,
            "path": f"{target}/models/{name}",
            "role": role,
            "bytes": 1_234_567,
            "sha256": "ab" * 32,
        }
        for target in ("a1111", "comfyui")
        for name, role in (("myface_stage_a.safetensors", "LoRA"), ("myface_stage_a.png", "preview"))
    ]
    lora = {
        "name": "myface_stage_a",
        "kind": "sd15",
        "uses": ["txt2img"],
        "trigger": "myface person",
        "weight": 1.0,
        "files": files,
        "proofs": [{"what": "every key has its layer", "passed": True, "detail": f"264 modules {HOSTILE}"}],
        "notes": ["Its base is not Stable Diffusion 1.5 in full size."],
    }
    write_json(paths.export / RECORD, {"loras": [lora]})
