"""What a run is made from, by contents: base, starting weights, images, masks and captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.files import data_hash
from dataset_tools.system.left_by_systems import visible
from dataset_tools.wording import some
from wrapper.contents import Contents
from wrapper.project.load import parse_toml

MODEL_KEYS = {"base": "pretrained_model_name_or_path", "weights": "network_weights", "vae": "vae"}
FOLDER_KEYS = ("image_dir", "conditioning_data_dir")
_MODEL_FILES = (".safetensors", ".ckpt", ".json", ".txt", ".bin")
_CACHES = (".npz",)


def input_hashes(values: Mapping[str, Any], dataset_toml: Path, contents: Contents) -> dict[str, Any]:
    """``{"base": {"path", "sha256"}, …, "files": {path: sha256}}``; nothing is read twice.

    ``values`` are the training file's; the trainer's caches beside the images are left out.
    """
    models = {
        name: _model(Path(str(values[key])), contents) for name, key in MODEL_KEYS.items() if values.get(key)
    }
    files = sorted(set(_dataset_files(dataset_toml)))
    return {**models, "files": dict(contents.of(files))}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two results of `input_hashes`, one clause each."""
    found = []
    for name in MODEL_KEYS:
        if before.get(name, {}).get("sha256") != now.get(name, {}).get("sha256"):
            found.append(f"the {name} is not the one that it began with")
    return found + _file_changes(before.get("files", {}), now.get("files", {}))


def _file_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    kinds = {
        "changed": [name for name in before if name in now and before[name] != now[name]],
        "gone": [name for name in before if name not in now],
        "new": [name for name in now if name not in before],
    }
    return [
        f"{some(names)} {'are' if len(names) > 1 else 'is'} {kind}" for kind, names in kinds.items() if names
    ]


def _model(path: Path, contents: Contents) -> dict[str, str]:
    """A single file's SHA-256, or that of the names and hashes of a diffusers folder's files."""
    if not path.is_dir():
        return {"path": str(path), "sha256": contents.of([path])[0][1]}
    files = sorted(file for file in visible(path.rglob("*")) if file.suffix in _MODEL_FILES)
    names = [file.relative_to(path).as_posix() for file in files]
    hashes = [[name, digest] for name, (_, digest) in zip(names, contents.of(files), strict=True)]
    return {"path": str(path), "sha256": data_hash(hashes)}


def _dataset_files(dataset_toml: Path) -> Iterator[Path]:
    for dataset in parse_toml(dataset_toml).get("datasets", []):
        for subset in dataset.get("subsets", []):
            for key in FOLDER_KEYS:
                folder = Path(subset[key]) if subset.get(key) else None
                if folder is not None and folder.is_dir():
                    yield from (file for file in visible(folder.iterdir()) if _counts(file))


def _counts(file: Path) -> bool:
    return file.is_file() and file.suffix not in _CACHES
