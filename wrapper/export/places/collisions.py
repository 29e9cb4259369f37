"""What already lies where files are to go, and which other LoRAs a name would be mistaken for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dataset_tools.errors import Problems, UserError
from dataset_tools.files import check_place
from wrapper.export.places.model_paths import lora_folders
from wrapper.export.places.names import same_name
from wrapper.export.places.program_folder import Place
from wrapper.export.targets import TARGETS, WEBUIS

LORA_SUFFIXES = (".safetensors", ".ckpt", ".pt")
"""What A1111 takes for a LoRA (1.10.1, ``extensions-builtin/Lora/networks.py``)."""
THERE = "is already there."
MAX_HEADER_BYTES = 16 << 20
"""Headers of other people's files are looked into up to here."""


def find_collisions(
    name: str,
    places: Sequence[Place],
    wanted: Sequence[Path],
    sources: Iterable[Path],
    force: bool,
    problems: Problems,
) -> None:
    """Add what keeps ``wanted`` from being written, and all other LoRAs that share ``name``, to ``problems``.

    ``sources`` are the user's own files, which are never written over, not even with ``force``.
    """
    own = {source.resolve() for source in sources}
    for path in wanted:
        _check_file(path, own, force, problems)
    for place in places:
        for twin in twins(name, place, wanted):
            title = TARGETS[place.target].title
            problems.add(
                twin,
                f"has the same name: {title} would not know which '{name}' is meant.",
                "Give another --name.",
            )


def _check_file(path: Path, own: set[Path], force: bool, problems: Problems) -> None:
    if path.resolve() in own:
        problems.add(path, "is the file that is to be exported itself.", "Give another --name.")
    elif path.is_dir():
        problems.add(path, "is a folder.", "Give another --name.")
    elif os.path.lexists(path) and not force:
        problems.add(path, THERE)
    else:
        _check_writable(path, problems)


def _check_writable(path: Path, problems: Problems) -> None:
    try:
        check_place(path)
    except UserError as error:
        found = (error.message.partition(": ")[2], error.hint)
        if found not in [(problem.message, problem.hint) for problem in problems.found]:
            problems.add(path, *found)


def twins(name: str, place: Place, wanted: Sequence[Path]) -> Iterator[Path]:
    """Other files that the target's program would take for this LoRA."""
    if place.target in WEBUIS:
        own = {path.resolve() for path in wanted}
        for path in _webui_loras(place):
            if same_name(path.stem, name) and path.resolve() not in own:
                yield path
    elif place.target == "comfyui":
        yield from _in_other_folders(name, place)


def _webui_loras(place: Place) -> Iterator[Path]:
    """All LoRA files of A1111 and Forge: they call them by base name, whatever subfolder they lie in."""
    for folder in (place.loras, place.root / "models" / "LyCORIS"):
        for root, _, files in os.walk(folder, followlinks=True):
            yield from (Path(root, file) for file in sorted(files) if file.lower().endswith(LORA_SUFFIXES))


def _in_other_folders(name: str, place: Place) -> Iterator[Path]:
    """ComfyUI calls by path below a LoRA folder: the first folder that has one wins."""
    for folder in lora_folders(place.root):
        if folder.path.resolve() == place.loras.resolve():
            continue
        path = folder.path / place.subfolder / f"{name}.safetensors"
        if path.exists():
            yield path


def alias_notes(name: str, places: Sequence[Place], wanted: Sequence[Path]) -> list[str]:
    """A sentence for each LoRA of A1111 and Forge that says in ``ss_output_name`` that it is called so too.

    With one of that name as a file, ``<lora:NAME:1>`` means the file.
    """
    own = {path.resolve() for path in wanted}
    others = [path for place in places if place.target in WEBUIS for path in _webui_loras(place)]
    return [
        f"{path} calls itself '{name}' too (ss_output_name): <lora:{name}:1> means this LoRA from now on, "
        f"that one is <lora:{path.stem}:1>."
        for path in others
        if path.resolve() not in own and not same_name(path.stem, name) and _calls_itself(path, name)
    ]


def _calls_itself(path: Path, name: str) -> bool:
    if path.suffix.lower() != ".safetensors":
        return False
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = stream.read(length) if length <= MAX_HEADER_BYTES else b""
    except OSError:
        return False
    spellings = {json.dumps(name), json.dumps(name, ensure_ascii=False)}
    texts = [f'"ss_output_name":{space}{text}' for text in spellings for space in ("", " ")]
    return any(text.encode("utf-8") in header for text in texts)
