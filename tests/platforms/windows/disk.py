"""Files as Windows keeps them: none that is open is renamed, replaced or deleted, none that is read-only."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.platforms.windows import fake_winreg

_IN_USE, _DENIED = 32, 5
_open = os.open


def begin() -> None:
    """From here on, for every library too."""
    os.replace = _moving(os.replace)
    os.rename = _moving(os.rename)
    os.unlink = _removing(os.unlink)
    os.remove = _removing(os.remove)
    if os.environ.get(fake_winreg.SWITCH, "1") != "1":
        os.mkdir = _short(os.mkdir, 247, 206)
        os.open = _short(os.open, 259, 3)
        io.open = _short(io.open, 259, 3)
    if sys.version_info < (3, 11):
        _tell_pathlib()


def _tell_pathlib() -> None:
    """There it keeps the functions that it found when it was imported."""
    import pathlib

    for module, names in ((os, ("replace", "rename", "unlink", "mkdir")), (io, ("open",))):
        for name in names:
            setattr(pathlib._NormalAccessor, name, staticmethod(getattr(module, name)))  # type: ignore[attr-defined]


def open_file(path: Any, flags: int, *rest: Any, **options: Any) -> int:
    """``os.open``, which has no handles of folders there."""
    if os.path.isdir(path):  # noqa: PTH112
        raise _refused(path, _DENIED)
    return _open(path, flags, *rest, **options)


def _moving(move: Callable[..., None]) -> Callable[..., None]:
    def moved(source: Any, target: Any, **options: Any) -> None:
        _refuse_open(source)
        if os.path.lexists(target):
            _refuse_open(target)
            if os.path.isdir(target):  # noqa: PTH112
                raise _refused(target, _DENIED)
        move(source, target, **options)

    return moved


def _removing(remove: Callable[..., None]) -> Callable[..., None]:
    def removed(path: Any, *, dir_fd: int | None = None) -> None:
        at = path if dir_fd is None else f"/proc/self/fd/{dir_fd}/{os.fspath(path)}"
        if os.path.lexists(at):
            _refuse_open(at)
            if not os.lstat(at).st_mode & stat.S_IWUSR:
                raise _refused(path, _DENIED)
        remove(path, dir_fd=dir_fd)

    return removed


def _short(call: Callable[..., Any], most: int, code: int) -> Callable[..., Any]:
    """``call`` as Windows has it without long paths."""

    def called(path: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(path, str | os.PathLike) and len(os.path.abspath(path)) > most:  # noqa: PTH100
            error = FileNotFoundError(errno.ENOENT, "The system cannot find the path specified", str(path))
            error.winerror = code  # type: ignore[attr-defined]
            raise error
        return call(path, *rest, **options)

    return called


def _refuse_open(path: Any) -> None:
    if os.path.islink(path):  # noqa: PTH114
        return
    place = os.path.realpath(path)
    inside = place + os.sep
    if any(one == place or one.startswith(inside) for one in _open_files()):
        raise _refused(path, _IN_USE)


def _refused(path: Any, code: int) -> PermissionError:
    said = "The process cannot access the file because it is being used by another process"
    error = PermissionError(errno.EACCES, said if code == _IN_USE else "Access is denied", os.fspath(path))
    error.winerror = code  # type: ignore[attr-defined]
    return error


def _open_files() -> Iterator[str]:
    """What this process and those below it have open or mapped; folders may be open."""
    for process in _family(os.getpid()):
        handles = Path(f"/proc/{process}/fd")
        try:
            for handle in os.listdir(handles):  # noqa: PTH208
                name = os.readlink(handles / handle)  # noqa: PTH115
                if name.startswith("/") and not os.path.isdir(name):  # noqa: PTH112
                    yield name
            for line in Path(f"/proc/{process}/maps").read_text("utf-8").splitlines():
                parts = line.split(maxsplit=5)
                if len(parts) == 6 and parts[5].startswith("/"):
                    yield parts[5]
        except OSError:  # it ended, or the handle was closed meanwhile
            continue


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        below = [child for thread in threads for child in (thread / "children").read_text("utf-8").split()]
    except OSError:
        return
    for child in below:
        yield from _family(int(child))
