"""A small project of drawn photographs that goes from QC to the report in half a minute, step by step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from wrapper.demo.base_model import materialise
from wrapper.demo.world import write_world

STAGES: dict[str, list[str]] = {
    "qc": ["qc", "--workers", "1"],
    "build": ["build"],
    "train": ["train", "all"],
    "generate": ["generate"],
    "evaluate": ["evaluate"],
    "export": ["export"],
    "report": ["report"],
}
"""In the order of the work: each needs what those before it made."""
NAME = "проект 'é' 🙂"
_SMALLER = {
    "count = 20": "count = 4",
    '[stage_a]\npreset = "demo"': '[stage_a]\npreset = "demo"\nKOHYA',
    '[stage_b]\npreset = "demo"': '[stage_b]\npreset = "demo"\nKOHYA',
    "steps = 24": "steps = 2",
    "steps = 20": "steps = 2",
    "seeds = [1, 2, 3]": "seeds = [1]",
    "seeds = [1, 2]": "seeds = [1]",
    "loss_timesteps = 4": "loss_timesteps = 1",
    "max_checkpoints = 4": "max_checkpoints = 1",
}
_KOHYA = """
[stage_x.kohya]
max_train_steps = 4
save_every_n_steps = 2
train_batch_size = 2
network_dim = 2
network_alpha = 2
network_args = ["conv_dim=2", "conv_alpha=2"]
"""


_BASES = {
    'inpaint_model = "demo"': 'inpaint_model = "bases/tiny-inpaint"',
    'model = "demo"': 'model = "bases/tiny"',
}
"""In the project's own folder, so that they go where it goes."""
_FEW = 4


def make(root: Path, *, full: bool = False) -> Path:
    """The project before its first step; with ``full``, all that any of `commands` needs is in it."""
    write_world(root)
    if full:
        _fill(root)
    settings = root / "lorawrap.toml"
    text = settings.read_text(encoding="utf-8")
    for old, new in (_SMALLER | (_BASES if full else {})).items():
        assert old in text, old
        text = text.replace(old, new.replace("KOHYA", _KOHYA.replace("stage_x", old[1:8])))
    settings.write_text(text, encoding="utf-8")
    return root


def _fill(root: Path) -> None:
    """Base models, a few marked pictures and rows, and the folder of a program."""
    from PIL import Image

    materialise(root / "bases")
    program = root / "programs" / "stable-diffusion-webui"
    (program / "models" / "Lora").mkdir(parents=True)
    (program / "webui.py").touch()
    rows = [json.loads(line) for line in (root / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    few = [row for row in rows if "mask" in row][:_FEW]
    (root / "repaired.jsonl").write_text("".join(json.dumps(row) + "\n" for row in few), encoding="utf-8")
    for folder in ("unmasked", "marked"):
        (root / folder).mkdir()
    for row in few:
        name = Path(row["image"]).name
        shutil.copyfile(root / row["image"], root / "unmasked" / name)
        with Image.open(root / row["image"]) as picture, Image.open(root / row["mask"]) as mask:
            picture.putalpha(mask.convert("L").point(lambda level: 255 - level))
            picture.save(root / "marked" / name)
