"""Another file with the same tensors, bit for bit, and other metadata.

Of its own hashes, ``sshs_model_hash`` is of the tensors and stays; ``sshs_legacy_hash`` is worked out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dataset_tools.errors import Problems, UserError, did_you_mean
from dataset_tools.files import CHUNK_BYTES, whole_file
from dataset_tools.progress import Bar, progress
from wrapper.base_model.kinds import Kind
from wrapper.lora.leaks import Topic, without
from wrapper.lora.metadata import BASE_VERSIONS
from wrapper.lora.sealing import LEGACY, MODEL, SEALS, legacy_of
from wrapper.lora.spellings.recognise import recognise
from wrapper.lora_tools.metadata_rules import (
    COMFYUI_SHOWS,
    SPEC,
    remove_fault,
    required_spec,
    set_fault,
    unknown_spec_name,
)
from wrapper.safetensors_header import MAX_HEADER_BYTES, Header, read_header
from wrapper.safetensors_stream import Form, header_bytes

_SHOW_PROGRESS = 200 * CHUNK_BYTES


@dataclass(frozen=True)
class Wish:
    """What is to be different: values by key, keys that go, and topics of which everything goes."""

    set: Mapping[str, str]
    remove: tuple[str, ...] = ()
    strip: tuple[Topic, ...] = ()


@dataclass(frozen=True)
class Change:
    """One entry; ``before`` None: it is new, ``after`` None: it goes."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Edit:
    """What would be written: ``metadata`` are without the hashes, which follow from the file."""

    path: Path
    header: Header
    metadata: dict[str, str]
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    @property
    def forms(self) -> dict[str, Form]:
        """The tensors in the order of the file."""
        ordered = sorted(self.header.tensors.items(), key=lambda item: (item[1].begin, item[1].end))
        return {name: Form(spec.dtype, spec.shape) for name, spec in ordered}


@dataclass(frozen=True)
class Edited:
    """The hashes of a file that was written."""

    model_hash: str
    legacy_hash: str
    file_hash: str


def plan_edit(path: Path, wish: Wish) -> Edit:
    """What ``wish`` makes of the file's metadata; raises one `UserError` that names all it must not do."""
    header = read_header(path)
    before = header.metadata
    kind = recognise(header.tensors, before).kind
    _check(path, wish, before, kind)
    after = {key: value for key, value in without(before, wish.strip).items() if key not in wish.remove}
    after |= wish.set
    after |= _needed(after, wish, kind)
    kept = {key: value for key, value in after.items() if key not in (MODEL, LEGACY)}
    changes = tuple(
        Change(key, before.get(key), kept.get(key))
        for key in sorted({*before, *kept} - {MODEL, LEGACY})
        if before.get(key) != kept.get(key)
    )
    edit = Edit(path, header, kept, changes)
    return Edit(path, header, kept, changes, tuple(_notes(edit, wish)))


def _check(path: Path, wish: Wish, before: Mapping[str, str], kind: Kind | None) -> None:
    problems = Problems()
    for key, value in wish.set.items():
        if fault := set_fault(key, value, kind):
            problems.add(f"{path}: --set {key}", f"{fault}.")
        if key in wish.remove:
            problems.add(f"{path}: {key}", "is to be set and removed.")
    for key in wish.remove:
        if key not in before:
            problems.add(
                f"{path}: --remove {key}", f"is not in its metadata. {did_you_mean(key, before)}".strip()
            )
        elif fault := remove_fault(key, kind):
            problems.add(f"{path}: --remove {key}", f"{fault}.")
    problems.raise_if_any(hint="See what the file has with 'lorawrap lora info'.")


def _needed(after: Mapping[str, str], wish: Wish, kind: Kind | None) -> dict[str, str]:
    """What programs would miss: a ModelSpec without its heading; SDXL that A1111 would take for SD 1."""
    needed = required_spec(after, kind) if any(key.startswith(SPEC) for key in wish.set) else {}
    if kind == "sdxl" and not after.get("ss_base_model_version"):
        needed["ss_base_model_version"] = BASE_VERSIONS[kind]
    return needed


def _notes(edit: Edit, wish: Wish) -> Iterator[str]:
    for key in wish.set:
        if remark := unknown_spec_name(key):
            yield remark
    size = len(header_bytes(edit.forms, {**edit.metadata, **SEALS}))
    if size - 8 > MAX_HEADER_BYTES:
        raise UserError(f"{edit.path}: the new header would have {size} bytes.", "Set shorter values.")
    if size > COMFYUI_SHOWS:
        yield f"The header has {size / 1e6:.1f} MB: ComfyUI shows the metadata of at most 1 MB."
    packed = sorted({name.split(".")[1] for name in edit.header.tensors if name.startswith("bundle_emb.")})
    if packed and wish.strip:
        yield f"Embeddings packed into the file keep their names: {', '.join(packed)}."


def write_edited(edit: Edit, out: Path) -> Edited:
    """Write the file with the planned metadata, whole or not at all, and read it back before it counts."""
    placeholder = header_bytes(edit.forms, {**edit.metadata, **SEALS})
    data = edit.path.stat().st_size - edit.header.data_start
    with whole_file(out) as temporary, _bar(f"writing {out.name}", data) as bar:
        with edit.path.open("rb") as source, temporary.open("wb") as target:
            target.write(placeholder)
            model = _copied(source, target, edit.header.data_start, bar)
        legacy = legacy_of(edit.path, edit.header.data_start, edit.forms, edit.metadata)
        metadata = {**edit.metadata, MODEL: model, LEGACY: legacy}
        with temporary.open("r+b") as target:
            target.write(header_bytes(edit.forms, metadata))
        return Edited(model, legacy, _proved(temporary, edit, metadata, bar))


def _copied(source: BinaryIO, target: BinaryIO, data_start: int, bar: Bar | None) -> str:
    """Copy everything from ``data_start`` on; returns its SHA-256."""
    digest = hashlib.sha256()
    source.seek(data_start)
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
        if bar:
            bar.advance()
    return digest.hexdigest()


def _proved(path: Path, edit: Edit, metadata: Mapping[str, str], bar: Bar | None) -> str:
    """The SHA-256 of the new file, whose header and tensors are what they should be."""
    header = read_header(path)
    whole, data = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as stream:
        whole.update(stream.read(header.data_start))
        while chunk := stream.read(CHUNK_BYTES):
            whole.update(chunk)
            data.update(chunk)
            if bar:
                bar.advance()
    if (
        header.tensors != edit.header.tensors
        or header.metadata != metadata
        or data.hexdigest() != metadata[MODEL]
    ):
        raise UserError(
            f"{path}: reads back other than it was written.", "Look at the disk, and give the command again."
        )
    return whole.hexdigest()


@contextmanager
def _bar(description: str, size: int) -> Iterator[Bar | None]:
    """Progress in MiB for data that are written and read back, nothing for few of them."""
    if 2 * size < _SHOW_PROGRESS:
        yield None
        return
    with progress(f"{description}, MiB", 2 * -(-size // CHUNK_BYTES)) as bar:
        yield bar
