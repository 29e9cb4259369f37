"""Two commands at once on one project: the second is told of the first, unless both only read.

A lock is the open file's (``flock``; ``LockFileEx`` through ``msvcrt`` on Windows): it ends with its process,
however that ended. Where the file system has none, as on some network drives, the note in the file counts:
it names a process, and whether that still runs can be asked.
"""

from __future__ import annotations

import errno
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, get_args

from dataset_tools.data_text import from_json
from dataset_tools.errors import UserError
from dataset_tools.files import placing
from dataset_tools.system import windows_locks
from dataset_tools.system.ground import make_folder
from dataset_tools.system.long_paths import check_room
from wrapper.left_name import LeftName, own_name, read_name
from wrapper.project.layout import ProjectPaths

Part = Literal["qc", "dataset", "stage_a", "stage_b", "pictures", "evaluation", "export", "report", "sweep"]
PARTS: tuple[Part, ...] = get_args(Part)
LENT: tuple[Part, ...] = ("qc", "dataset")
"""What a project may have from another one."""
FOLDER = "locks"
LONGEST_INSIDE = 140
"""Characters of the longest path in a project, from its folder on, where photographs have ordinary names."""
BEHIND_THE_NOTE = 1 << 20
NOTED_S, POLL_S = 2.0, 0.02
"""So long is waited for the note of a process that has a lock, and how often it is looked for."""
NO_LOCKS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS, errno.EINVAL}


class Holder(NamedTuple):
    """A process that has a lock, what it was started as, when by its clock, and whether it only reads."""

    process: LeftName
    command: str
    since: str
    alone: bool


@contextmanager
def held(
    folder: Path, command: str, *, writes: Sequence[Part] = (), reads: Sequence[Part] = ()
) -> Iterator[None]:
    """Hold parts of the project whose own folder (`ProjectPaths.cache`) is ``folder``.

    Any number of processes may read a part, one alone may write it. Raises `UserError` that names who is
    there already, or for a folder whose path leaves no room; nothing is held then.
    """
    check_room(folder.parent, LONGEST_INSIDE)
    with ExitStack() as stack:
        for part in sorted({*writes, *reads}, key=PARTS.index):
            stack.enter_context(_one(folder / FOLDER / part, command, alone=part in writes))
        yield


@contextmanager
def held_in(
    paths: ProjectPaths, command: str, *, writes: Sequence[Part] = (), reads: Sequence[Part] = ()
) -> Iterator[None]:
    """As `held`, of a project: QC and dataset are locked where they lie, and another's are only read."""
    lent = [part for part in (*writes, *reads) if part in LENT] if paths.lender else []
    own = {"writes": [p for p in writes if p not in lent], "reads": [p for p in reads if p not in lent]}
    with held(paths.shared_cache, command, reads=lent), held(paths.cache, command, **own):
        yield


@contextmanager
def _one(path: Path, command: str, *, alone: bool) -> Iterator[None]:
    with placing(path):
        make_folder(path.parent)
        stream = path.open("a+b", buffering=0)  # what another writes there is looked at as it is now
    with stream:
        if not _taken(stream, alone=alone):
            raise _refusal(path, _who_took(stream))
        _note(stream, command, alone=alone)
        try:
            yield
        finally:
            if alone:
                stream.truncate(0)


def _taken(stream: IO[bytes], *, alone: bool) -> bool:
    """Whether the lock is ours now, without waiting."""
    try:
        if sys.platform == "win32":
            return _taken_on_windows(stream)
        import fcntl

        fcntl.flock(stream, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        holder = _holder(stream)
        return holder is None or not (alone or holder.alone) or not _is_another(holder.process)
    return True


def _is_another(process: LeftName) -> bool:
    return process != own_name() and process.runs()


def _taken_on_windows(stream: IO[bytes]) -> bool:
    """Readers keep each other out as well. The byte lies behind the note, which others have to read."""
    try:
        windows_locks.lock(stream, at=BEHIND_THE_NOTE)
    except OSError:
        return False
    return True


def _note(stream: IO[bytes], command: str, *, alone: bool) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    note = {**own_name()._asdict(), "command": command, "since": since, "alone": alone}
    stream.truncate(0)
    stream.write(json.dumps(note).encode("utf-8"))


def _who_took(stream: IO[bytes]) -> Holder | None:
    """Who has the lock: one that took it in this moment has yet to note itself. None when nobody is found."""
    until = time.monotonic() + NOTED_S
    while True:
        holder = _holder(stream)
        if holder is not None and holder.process.runs():
            return holder
        if time.monotonic() > until:
            return None
        time.sleep(POLL_S)


def _holder(stream: IO[bytes]) -> Holder | None:
    """Who noted itself last; None when nobody did, or in no way that can be read."""
    stream.seek(0)
    try:
        told: Any = from_json(stream.read(10_000))
    except ValueError:
        return None
    process = read_name(told)
    if process is None:
        return None
    since = str(told.get("since", "?"))
    return Holder(process, str(told.get("command", "?")), since, told.get("alone") is not False)


def _refusal(path: Path, holder: Holder | None) -> UserError:
    project = path.parents[2]
    if holder is None:
        return UserError(
            f"{project}: another command is at work on its {path.name}.", "Wait until it has ended."
        )
    process, here = holder.process, holder.process.is_here()
    where = "" if here else f" on {process.host}"
    gone = "" if here else f" If that machine is gone, remove {path}."
    return UserError(
        f"{project}: `{holder.command}` is at work on its {path.name} (process {process.pid}{where}, "
        f"since {holder.since}).",
        f"Wait until it has ended, or end it.{gone}",
    )
