"""A small project of drawn photographs that goes from QC to the report in half a minute, step by step."""

from __future__ import annotations

from pathlib import Path

from wrapper.demo.world import write_world

STAGES: dict[str, list[str]] = {
    "qc": ["qc"],
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


def make(root: Path) -> Path:
    """The project before its first step."""
    write_world(root)
    settings = root / "lorawrap.toml"
    text = settings.read_text(encoding="utf-8")
    for old, new in _SMALLER.items():
        assert old in text, old
        text = text.replace(old, new.replace("KOHYA", _KOHYA.replace("stage_x", old[1:8])))
    settings.write_text(text, encoding="utf-8")
    return root
