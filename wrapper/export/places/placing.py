"""Putting files into other programs' folders: all or none, also when the process is killed in between.

Files are written into a staging folder first; while it is there, other exports are refused. Before one is
moved, a journal beside them says where each goes; whoever finds a journal that nobody works on any more takes
back what was moved.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, in_use, is_in_use, placing, write_json
from dataset_tools.system import moving
from dataset_tools.system.ground import make_folder, working_in
from dataset_tools.system.moving import remove_tree
from wrapper.left_name import LeftName, own_name, read_name

PREFIX = ".part-export-"
JOURNAL, OLD, BY = "journal.json", "old", "by.json"


class Move(NamedTuple):
    """A file of the staging folder, and where it is to lie."""

    staged: Path
    final: Path


@contextmanager
def staging(destination: Path) -> Iterator[Path]:
    """A folder to write files in before they are placed; what was made for it alone goes again on failure.

    Raises `UserError` while another process stages files in ``destination``.
    """
    missing = _missing(destination)
    with placing(destination):
        destination.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=destination))
    try:
        with in_use(folder):
            try:
                write_json(folder / BY, own_name()._asdict())
                _refuse_beside_others(destination, folder)
                with working_in(destination):
                    yield folder
            except BaseException:
                take_back(folder)
                raise
    finally:
        if not (folder / JOURNAL).exists():
            remove_tree(folder)
        _remove_empty(missing)


def clear_leftovers(destination: Path) -> list[Path]:
    """Undo what a killed export left in ``destination``; the places from which files were taken back."""
    taken = []
    for folder in sorted(destination.glob(f"{PREFIX}*")):
        if folder.is_dir() and not _is_at_work(folder):
            taken += take_back(folder)
            remove_tree(folder)
    return taken


def _is_at_work(folder: Path) -> bool:
    """Whether an export is within `staging`; where the system has no locks, whether its process runs."""
    if not is_in_use(folder):
        return False
    by = _staged_by(folder)
    return by is None or by.runs()


def _staged_by(folder: Path) -> LeftName | None:
    try:
        return read_name(from_json(bounded_text(folder / BY)))
    except (OSError, ValueError):
        return None


def _refuse_beside_others(destination: Path, own: Path) -> None:
    for other in sorted(destination.glob(f"{PREFIX}*")):
        if other != own and other.is_dir() and _is_at_work(other):
            by = _staged_by(other)
            who = f" (process {by.pid}{'' if by.is_here() else f' on {by.host}'})" if by else ""
            gone = "" if by and by.is_here() else f" If it is gone, remove {other}."
            raise UserError(
                f"{destination}: another export is at work here{who}.",
                f"Wait until it has ended, or end it.{gone}",
            )


def place(folder: Path, moves: Sequence[Move], *, replace: bool = True) -> None:
    """Move every file of the staging ``folder`` to its place; what lay there before is kept until all are.

    When one cannot be moved, `take_back` (which `staging` calls) restores everything. Raises `UserError` for
    a file that came to be in such a place meanwhile, unless they are to ``replace`` what is there.
    """
    made = dict.fromkeys(one for move in moves for one in _missing(move.final.absolute().parent))
    write_json(
        folder / JOURNAL, {"moves": [_entry(folder, move) for move in moves], "made": list(map(str, made))}
    )
    (folder / OLD).mkdir()
    for number, move in enumerate(moves):
        with placing(move.final):
            make_folder(move.final.parent)
            if os.path.lexists(move.final):
                if not replace:
                    raise UserError(
                        f"{move.final}: was put there meanwhile.", "Look at it, then export again."
                    )
                _move(move.final, folder / OLD / str(number))
            _move(move.staged, move.final)
    (folder / JOURNAL).unlink()


def _entry(folder: Path, move: Move) -> dict[str, str]:
    return {
        "staged": str(move.staged.relative_to(folder)),
        "final": str(move.final.absolute()),
        "sha256": content_hash(move.staged),
    }


def take_back(folder: Path) -> list[Path]:
    """Undo the moves of a staging folder's journal; a file that was changed since stays as it is."""
    journal = folder / JOURNAL
    if not journal.is_file():
        return []
    moves, made = _told(journal)
    taken = []
    for number, (move, sha256) in enumerate(moves):
        staged, final, old = move.staged, move.final, folder / OLD / str(number)
        if os.path.lexists(_beside(final)):
            _beside(final).unlink()
        moved = not staged.exists() or os.path.lexists(old)
        if moved and final.is_file() and content_hash(final) == sha256:
            final.unlink()
            taken.append(final)
        if os.path.lexists(old) and not os.path.lexists(final):
            _move(old, final)
    _remove_empty(sorted(made, key=lambda one: -len(one.parts)))
    journal.unlink()
    return taken


def _told(journal: Path) -> tuple[list[tuple[Move, str]], list[Path]]:
    """The moves, each with its file's SHA-256, and the folders made. UserError for no journal of ours."""
    try:
        record = from_json(bounded_text(journal))
        moves = [
            (Move(journal.parent / one["staged"], Path(one["final"])), one["sha256"])
            for one in record["moves"]
        ]
        return moves, list(map(Path, record["made"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{journal}: is no journal of an export ({error}).", "Remove its folder.") from error


def _missing(folder: Path) -> list[Path]:
    """The folders that making ``folder`` would make, the innermost first."""
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _move(source: Path, target: Path) -> None:
    """Rename, or copy beside and rename where ``target`` is on another file system."""
    try:
        moving.move(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = _beside(target)
        try:
            shutil.copy2(source, beside, follow_symlinks=False)
            moving.move(beside, target)
        finally:
            beside.unlink(missing_ok=True)
        source.unlink()


def _beside(path: Path) -> Path:
    return path.with_name(f"{PREFIX}{path.name}")
