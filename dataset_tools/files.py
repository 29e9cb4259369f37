"""Files and folders that appear whole: written beside, then renamed into place."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from dataset_tools.errors import UserError
from dataset_tools.system import windows_locks
from dataset_tools.system.ground import make_folder
from dataset_tools.system.moving import is_read_only, move, remove_tree
from dataset_tools.system.system_faults import system_fault

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CHUNK_BYTES = 1 << 20
PART = ".part-"
"""How the names of files and folders begin that are not finished."""
OLD = ".old-"
"""How the names of folders begin in which something is set aside while it is replaced."""
OF_WRITING = (errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", None))
"""What the system never says against reading, and mostly without the file that was being written."""
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
        hint = PLACE_HINT if fault is None or fault.is_of_rights else fault.hint
        raise UserError(f"{path}: cannot be written ({error.strerror}).", hint) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on a clean exit it becomes ``path``, else it is removed.

    What a killed process left of ``path`` is taken over and written anew.
    """
    with placing(path):
        make_folder(path.parent)
        handle, temporary = _beside(path)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with placing(path):
            move(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in OF_WRITING and error.filename is None:
            error.filename = str(path)
        temporary.unlink(missing_ok=True)
        raise
    finally:
        if handle is not None:
            os.close(handle)


def _beside(path: Path) -> tuple[int | None, Path]:
    """An empty file to be written in place of ``path``, and the lock on it while it is."""
    if fcntl is not None:
        named = path.with_name(f"{PART}{path.name}")
        with suppress(OSError):  # another process is at it, the name is too long, or there are no locks
            return _locked(named), named
    handle, name = tempfile.mkstemp(prefix=PART, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    return None, Path(name)


def _locked(path: Path) -> int:
    """Open ``path`` as this process's alone, empty; OSError when it is another's."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _lock(handle, path)
        os.ftruncate(handle, 0)
        if not os.path.samestat(os.fstat(handle), path.lstat()):  # it took its place just now
            raise FileExistsError(path)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # no locks here: nobody could tell it from one that is in use
        path.unlink(missing_ok=True)
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
    """Yield an empty folder beside ``path``; on a clean exit it takes the place of ``path``.

    What a killed process left of ``path`` is removed.
    """
    with placing(path):
        make_folder(path.parent)
        if path.is_mount():  # it could not be renamed when the work is done
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))
        _remove_abandoned(path)
        temporary = Path(tempfile.mkdtemp(prefix=f"{PART}{path.name}-", dir=path.parent))
    try:
        temporary.chmod(0o777 & ~_umask())
        with in_use(temporary):
            yield temporary
        with placing(path):
            _swap_in(temporary, path)
    finally:
        remove_tree(temporary)


def _remove_abandoned(path: Path) -> None:
    """Remove what was begun for ``path``, and put back what was set aside when it was to be replaced."""
    for left in _named(path, PART):
        if not is_in_use(left):
            remove_tree(left)
    for aside in _named(path, OLD):
        if not os.path.lexists(path) and [one.name for one in aside.iterdir()] == [path.name]:
            (aside / path.name).replace(path)
            aside.rmdir()


def _named(path: Path, prefix: str) -> list[Path]:
    name = re.compile(rf"{re.escape(prefix + path.name)}-[a-z0-9_]{{8}}")
    found = (one for one in path.parent.iterdir() if name.fullmatch(one.name))
    return sorted(one for one in found if one.is_dir() and not one.is_symlink())


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left below ``folder``; what another process is writing stays."""
    for left in sorted(folder.rglob(f"{PART}*")):
        if left.is_symlink() or not left.exists() or is_in_use(left):
            continue
        if left.is_dir():
            remove_tree(left)
        else:
            left.unlink(missing_ok=True)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Lock ``folder``, where the system can, until this process leaves it or ends."""
    if fcntl is None:
        with windows_locks.in_use(folder):
            yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_in_use(path: Path) -> bool:
    """Whether a process is within `whole_file` or `whole_folder`; True too where the system cannot tell."""
    if fcntl is None:
        return windows_locks.is_in_use(path)
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _swap_in(new: Path, path: Path) -> None:
    if not path.exists():
        move(new, path)
        return
    old = Path(tempfile.mkdtemp(prefix=f"{OLD}{path.name}-", dir=path.parent))
    try:
        move(path, old / path.name)
        try:
            move(new, path)
        except OSError:
            move(old / path.name, path)
            raise
    except OSError:
        with suppress(OSError):  # it is empty, unless what was there could not be put back
            old.rmdir()
        raise
    remove_tree(old)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link ``source`` to ``target``, or copy where the file system cannot link.

    On Windows a file that is read-only is copied, without that: a link to it could not be removed again.
    """
    make_folder(target.parent)
    if sys.platform == "win32" and is_read_only(source):
        shutil.copyfile(source, target)
        return
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
