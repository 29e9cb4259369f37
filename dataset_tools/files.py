"""Files and folders that appear whole: written beside, then renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from dataset_tools.errors import UserError
from dataset_tools.system_faults import system_fault

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CHUNK_BYTES = 1 << 20
PLACE_HINT = "Name a place in a folder that can be written to."


def check_place(path: Path) -> None:
    """Raise `UserError` when ``path`` cannot come into being: asked before the work, not after it."""
    there = next(place for place in (path.absolute(), *path.absolute().parents) if os.path.lexists(place))
    if there == path.absolute():
        there = there if there.is_dir() else there.parent
    if not there.is_dir():
        raise UserError(f"{path}: {there} is a file, not a folder.", PLACE_HINT)
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{path}: nothing can be written in {there}.", PLACE_HINT)


@contextmanager
def placing(path: Path) -> Iterator[None]:
    """Turn what the file system says against a new file or folder at ``path`` into a `UserError`."""
    try:
        yield
    except OSError as error:
        fault = system_fault(error)
        hint = fault.hint if fault is not None and fault.on_the_disk else PLACE_HINT
        raise UserError(f"{path}: cannot be written ({error.strerror}).", hint) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on a clean exit it becomes ``path``, else it is removed."""
    with placing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with placing(path):
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def text_file(path: Path) -> Iterator[TextIO]:
    """Yield a stream of UTF-8 text with ``\\n`` line ends that becomes ``path`` on a clean exit."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with ``\\n`` line ends, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``; on a clean exit it takes the place of ``path``."""
    with placing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".part-{path.name}-", dir=path.parent))
    try:
        temporary.chmod(0o777 & ~_umask())
        with in_use(temporary):
            yield temporary
        _swap_in(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Lock ``folder``, where the system can, until this process leaves it or ends."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_in_use(folder: Path) -> bool:
    """Whether a process is within `whole_folder`; True too where the system cannot tell."""
    if fcntl is None:
        return True
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _swap_in(new: Path, path: Path) -> None:
    if not path.exists():
        new.replace(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".old-{path.name}-", dir=path.parent))
    path.replace(old / path.name)
    try:
        new.replace(path)
    except OSError:
        (old / path.name).replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link ``source`` to ``target``, or copy where the file system cannot link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def data_hash(data: Any) -> str:
    """SHA-256 of ``data`` as canonical JSON, as hex."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
