"""Sweeps with known effects, written as a finished sweep lies on the disk; nothing is trained or painted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.building.dataset import BuiltDataset, HeldOut, write_dataset
from dataset_tools.files import content_hash, write_json, write_text
from dataset_tools.pictures.images import save_png
from wrapper.evaluation.scores import Score, summarise
from wrapper.sweep.trials import SWEEP_FILE, TRIALS, Sweep, Trial
from wrapper.toml_text import to_toml

SIDE = 64
PROJECT = "my face"
SETTINGS = {
    "base": "tiny",
    "inpaint_base": True,
    "sampler": "Euler a",
    "steps": 20,
    "cfg": 1.5,
    "strength": 1.0,
}


@dataclass(frozen=True)
class Made:
    """One trial. ``shift``: by how many dB it is better than the untouched base, the same on every image.

    ``noise`` is what is added image by image; ``evaluated`` overrides settings of its evaluation, ``own``
    settings of its project file; ``checkpoints`` are shifts of checkpoints before the last, ``lender`` is the
    folder below the project that its dataset lies in.
    """

    settings: Mapping[str, Any]
    shift: float = 0.0
    noise: float = 0.0
    status: str = "succeeded"
    why: str = ""
    evaluated: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: Sequence[float] = ()
    chosen: int | None = None
    lender: str = ""


def make_sweep(
    folder: Path,
    trials: Sequence[Made],
    *,
    images: int = 8,
    seeds: Sequence[int] = (1, 2),
    stages: Sequence[str] = ("stage_b",),
    pictures: bool = False,
) -> Sweep:
    """``folder/sweeps/<name>`` of a project in ``folder``, whose ``images`` are held out."""
    for lender in dict.fromkeys(["", *(made.lender for made in trials)]):
        hold_out(folder / lender, images)
    home = folder / "sweeps" / "первый 'lr' 🙂"
    found = [
        _trial(home / TRIALS / f"{number:03d}", made, images, seeds, stages, pictures)
        for number, made in enumerate(trials, start=1)
    ]
    keys = list(dict.fromkeys(key for trial in found for key in trial.settings))
    write_json(home / SWEEP_FILE, {"name": home.name})
    return Sweep(home.name, home, folder, stages, keys, found)


def hold_out(project: Path, images: int, size: int = SIDE) -> None:
    """A project whose dataset holds out ``images`` plain pictures; with another ``size`` they are others."""
    write_text(project / "lorawrap.toml", f"[project]\nname = {to_toml(PROJECT)}\n")
    folder = project / "dataset"
    held = [_held_out(folder, number, size) for number in range(images)]
    built = BuiltDataset(size=size, stages={}, holdout=held, refused=[], balance={}, key=f"of {project.name}")
    write_dataset(folder, built)


def _held_out(dataset: Path, number: int, size: int) -> HeldOut:
    name, mask = image_name(number), np.zeros((size, size), np.uint8)
    mask[20:40, 20:40] = 255
    save_png(dataset / f"holdout/images/{name}.png", np.full((size, size, 3), 20 * number % 256, np.uint8))
    save_png(dataset / f"holdout/masks/{name}.png", mask)
    return HeldOut(
        name=name,
        image=f"holdout/images/{name}.png",
        mask=f"holdout/masks/{name}.png",
        caption="photo of a woman",
        negative="waxy",
        subject="s",
        age="26-30",
        view="front",
        original=f"{name}.png",
    )


def image_name(number: int) -> str:
    return f"ухо {number}"


def _trial(
    folder: Path, made: Made, images: int, seeds: Sequence[int], stages: Sequence[str], pictures: bool
) -> Trial:
    trial = Trial(folder.name, folder, dict(made.settings))
    lender = f"../../../../{made.lender}".rstrip("/")
    tables = {"project": {"name": PROJECT}, "dataset": {"of": lender}, **made.own}
    write_text(folder / "lorawrap.toml", "\n".join(_table(*one) for one in tables.items()))
    told = {"status": made.status, "started": "2026-01-01T10:00:00+00:00", "where": "GPU 0"}
    if made.why:
        told["why"] = made.why
    write_json(trial.record, told)
    write_text(trial.log, "…\n")
    for place, stage in enumerate(stages):
        _run(folder, stage, made, place)
    if made.status == "succeeded":
        _evaluation(trial, made, images, seeds, stages, pictures)
    return trial


def _table(name: str, values: Mapping[str, Any]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {to_toml(value)}" for key, value in values.items()), ""])


def _run(folder: Path, stage: str, made: Made, place: int) -> None:
    run = folder / "runs" / f"{stage}-001"
    write_text(run / "train.toml", f"[training]\n{to_toml_pairs(made.own.get('loss', {}))}")
    segment = {"output": "output", "done": 0, "counted_from": 0}
    times = {"started": "2026-01-01T10:00:00+00:00", "ended": f"2026-01-01T10:0{place + 1}:30+00:00"}
    record = {
        "stage": stage,
        "status": made.status,
        "steps": 60,
        "planned_steps": 60,
        "loss": 0.1 - made.shift / 100,
    }
    write_json(run / "run.json", {**record, **times, "segments": [{**segment, **times}]})
    falls = 0.2 + made.shift / 100
    events = [
        {"step": step, "steps": 60, "loss": 0.1 + falls / (step + 2), "elapsed_s": step}
        for step in range(1, 61)
    ]
    write_text(run / "events.jsonl", "".join(f"{json.dumps(event)}\n" for event in events))


def to_toml_pairs(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {to_toml(value)}\n" for key, value in values.items())


def _evaluation(
    trial: Trial, made: Made, images: int, seeds: Sequence[int], stages: Sequence[str], pictures: bool
) -> None:
    stage = stages[-1]
    shifts = [*made.checkpoints, made.shift]
    files = [f"runs/{stage}-001/output/c-{n:06d}.safetensors" for n in range(1, len(shifts))]
    files.append(f"loras/{PROJECT}_{stage}.safetensors")
    told = []
    for number, (file, shift) in enumerate(zip(files, shifts, strict=True), start=1):
        write_text(trial.folder / file, f"{trial.id} {number}")
        last = number == len(shifts)
        name = stage if last else f"c-{number:06d}"
        rows = _scores(name, int(trial.id), shift, made.noise, images, seeds)
        one = {"name": name, "title": f"epoch {number}", "file": file, "step": 30 * number, "epoch": number}
        digest = content_hash(trial.folder / file)
        told.append({**one, "sha256": digest, "last": last, **_figures(rows, [stage], shift)})
    base = _scores("base", 0, 0.0, 0.0, images, seeds)
    settings = {**SETTINGS, "seeds": list(seeds), "images": images, "size": [SIDE, SIDE], "loss_timesteps": 4}
    record = {
        "settings": {**settings, "dataset_key": _key(trial, made), **made.evaluated},
        "checkpoints": {stage: told},
        "base": _figures(base, stages, 0.0),
        "pictures": [{"image": image_name(n), "original": _picture("original", n)} for n in range(images)],
    }
    write_json(trial.folder / "evaluation.json", record)
    if made.chosen is not None:
        _choice(trial, stage, told, made)
    if pictures:
        _paint(trial.folder, [*(one["name"] for one in told), "base"], images, seeds[0])


def _scores(
    name: str, trial: int, shift: float, noise: float, images: int, seeds: Sequence[int]
) -> list[Score]:
    """Images differ a lot, seeds a little, alike for all; ``noise`` is the trial's own."""
    level = np.random.default_rng(7).normal(16, 3, images)
    ours = noise * np.random.default_rng(1000 + trial).normal(0, 1, images)
    rows = []
    for seed in seeds:
        for number in range(images):
            psnr = round(float(level[number] + 0.1 * seed + shift + ours[number]), 4)
            measures = {"psnr_db": psnr, "ssim": round(psnr / 40, 4)}
            kept = _picture(name, number, seed)
            rows.append(Score(image_name(number), name, seed, measures, 0, kept))
    return rows


def _figures(rows: Sequence[Score], stages: Sequence[str], shift: float) -> dict[str, Any]:
    summary = summarise(rows)[rows[0].variant]
    held = {row.image: round(0.5 - row.measures["psnr_db"] / 100, 4) for row in rows}
    loss = {stage: {"holdout": {"mean": 0.3 - shift / 100}} for stage in stages}
    return {
        "masked": summary,
        "scenes": {},
        "loss": loss,
        "per_image": [row.row() for row in rows],
        "per_image_loss": {stage: {"holdout": held} for stage in stages},
    }


def _picture(variant: str, number: int, seed: int | None = None) -> str:
    name = image_name(number)
    return (
        f"images/inpaint/{variant}/{name}.png"
        if seed is None
        else f"images/inpaint/{variant}/{name}_seed{seed}.png"
    )


def _key(trial: Trial, made: Made) -> str:
    return f"of {(trial.folder.parents[3] / made.lender).name}"


def _choice(trial: Trial, stage: str, told: Sequence[Mapping[str, Any]], made: Made) -> None:
    parts = [{key: one[key] for key in ("title", "file", "sha256")} for one in told]
    chosen = {"chosen": parts[made.chosen or 0], "last": parts[-1], "why": "It is the best."}
    write_json(trial.folder / "choice.json", {"dataset_key": _key(trial, made), "stages": {stage: chosen}})


def _paint(folder: Path, variants: Sequence[str], images: int, seed: int) -> None:
    for number in range(images):
        for place, variant in enumerate(variants):
            shade = (37 * int(folder.name) + 20 * number + 60 * place) % 256
            pixels = np.full((SIDE, SIDE, 3), (shade, 120, 255 - shade), np.uint8)
            save_png(folder / _picture(variant, number, seed), pixels)
        save_png(folder / _picture("original", number), np.full((SIDE, SIDE, 3), 20 * number % 256, np.uint8))
