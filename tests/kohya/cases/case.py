"""One case: the files of a training, and whether sd-scripts v0.10.1 would train what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

TRAIN: Mapping[str, str] = {
    "pretrained_model_name_or_path": '"base.safetensors"',
    "output_dir": '"out"',
    "output_name": '"мой LoRA"',
    "network_module": '"networks.lora"',
    "network_dim": "2",
    "max_train_steps": "2",
    "cache_latents": "true",
    "caption_extension": '".txt"',
    "seed": "1",
    "learning_rate": "1e-3",
    "max_data_loader_n_workers": "0",
}
"""What trains the default dataset, as TOML text; a case changes some of it, and leaves out what is None."""
DATASET = '[[datasets]]\nresolution = 64\n[[datasets.subsets]]\nimage_dir = "photos"\n'
Content = str | bytes | tuple[int, int] | Callable[[Path], object] | None
"""Text, bytes, an image of a size, something that writes the file, or None for an empty folder."""


@dataclass(frozen=True)
class Case:
    """``trains`` is the verdict; ``said`` a part of the error that names the fault.

    ``files`` come beside ``photos``, two captioned images, where a name there takes the place of it.
    ``not_asked`` is for what needs a GPU, or a package that sd-scripts does not come with: the real scripts
    are not asked. ``silent`` says that they train, and ignore something: there our check alone is asked.
    """

    id: str
    trains: bool
    said: str = ""
    train: Mapping[str, str | None] = field(default_factory=dict)
    dataset: str | None = DATASET
    files: Mapping[str, Content] = field(default_factory=dict)
    script: str = "train_network"
    raw: str | None = None
    steps: int | None = None
    silent: bool = False
    not_asked: bool = False
    dataset_name: str = "data.toml"
    photos: bool = True


def write_case(case: Case, folder: Path) -> list[str]:
    """Write the case's files, and return the command line of its script."""
    folder.mkdir(parents=True)
    if case.photos:
        for number in range(2):
            write_file(folder / f"photos/p{number}.png", (64, 64))
            write_file(folder / f"photos/p{number}.txt", f"a cat {number}")
    for name, content in case.files.items():
        write_file(folder / name, content)
    write_file(folder / "train.toml", case.raw if case.raw is not None else train_text(case))
    argv = ["--config_file", "train.toml"]
    if case.dataset is not None:
        write_file(folder / case.dataset_name, case.dataset)
        argv += ["--dataset_config", case.dataset_name]
    return argv


def train_text(case: Case) -> str:
    values = {**TRAIN, **case.train}
    return "".join(f"{key} = {value}\n" for key, value in values.items() if value is not None)


def write_file(path: Path, content: Content) -> None:
    if content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, tuple):
        Image.effect_noise(content, 60).convert("RGB").save(path)
    else:
        content(path)
