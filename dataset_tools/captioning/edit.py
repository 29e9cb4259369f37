"""Many captions changed alike: plan the changes as data, look at them, then write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.captioning import cut_off
from dataset_tools.errors import Problems
from dataset_tools.files import link_or_copy, whole_folder, write_text
from dataset_tools.progress import track
from dataset_tools.system.moving import remove_tree

KEPT = ".captions"
"""Folder beside the images in which originals are kept, one numbered folder an edit. No trainer reads it."""
_LINE_END = re.compile(r"(\r\n|\r|\n)")


@dataclass(frozen=True)
class Edits:
    """Done in this order to every line that has ``find`` in it (empty: to all): drop, replace, prefix.

    ``drop`` are whole tags, whatever their case; ``replace`` are pairs of plain text, old and new.
    """

    find: str = ""
    drop: Sequence[str] = ()
    replace: Sequence[tuple[str, str]] = ()
    prefix: str = ""

    @property
    def change_something(self) -> bool:
        return bool(self.drop or self.replace or self.prefix)


@dataclass(frozen=True)
class Change:
    """One caption file and its text, before and after."""

    path: Path
    before: str
    after: str


def edited(text: str, edits: Edits) -> str:
    """``text`` with each of its lines changed; line ends and empty lines stay.

    ``"a cat, red"`` with ``drop=["red"], prefix="myface"`` → ``"myface, a cat"``.
    """
    parts = _LINE_END.split(text)
    return "".join(
        part if at % 2 or not part.strip() else _line(part, edits) for at, part in enumerate(parts)
    )


def plan(captions: Mapping[Path, str], edits: Edits) -> list[Change]:
    """The changes, unchanged captions left out. Raises `UserError` when a caption would become empty."""
    changes = [Change(path, text, edited(text, edits)) for path, text in captions.items()]
    problems = Problems()
    for change in changes:
        if change.before.strip() and not change.after.strip():
            problems.add(change.path, "nothing would be left of the caption.", "Drop less, or give --prefix.")
    problems.raise_if_any()
    return [change for change in changes if change.after != change.before]


def apply(root: Path, changes: Sequence[Change], *, keep: bool = True) -> Path | None:
    """Write the changes, and return the folder below ``root`` that has the originals when they are kept.

    Without ``keep`` they are there until all is written: an edit that is cut off can be taken back.
    """
    if not changes:
        return None
    kept = _next_folder(root)
    _keep(root, changes, kept)
    for change in track(changes, "Writing captions", len(changes)):
        write_text(change.path, change.after)
    cut_off.done(kept)
    if keep:
        return kept
    remove_tree(kept)
    with suppress(OSError):  # earlier originals lie there
        kept.parent.rmdir()
    return None


def _keep(root: Path, changes: Sequence[Change], kept: Path) -> None:
    with whole_folder(kept) as folder:
        for change in changes:
            link_or_copy(change.path, folder / change.path.relative_to(root))
        cut_off.note(folder, {change.path.relative_to(root).as_posix(): change.after for change in changes})


def _line(line: str, edits: Edits) -> str:
    if edits.find not in line:
        return line
    line = _without_tags(line, edits.drop)
    for old, new in edits.replace:
        line = line.replace(old, new)
    if not edits.prefix or line.startswith(edits.prefix):
        return line
    return f"{edits.prefix}, {line}" if line.strip() else edits.prefix


def _without_tags(line: str, drop: Sequence[str]) -> str:
    """``line`` as it is when none of the tags is in it."""
    dropped = {tag.strip().casefold() for tag in drop}
    tags = [tag.strip() for tag in line.split(",")]
    left = [tag for tag in tags if tag.casefold() not in dropped]
    return line if len(left) == len(tags) else ", ".join(tag for tag in left if tag)


def _next_folder(root: Path) -> Path:
    there = [int(path.name) for path in (root / KEPT).glob("*") if path.name.isdigit()]
    return root / KEPT / str(max(there, default=0) + 1)
