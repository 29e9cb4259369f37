"""A folder that pictures are drawn into: which are there already, and what the others will be called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wrapper.diffusion.pictures.infotext import Infotext, parse_infotext, write_infotext
from wrapper.diffusion.pictures.ours import told_by

_NUMBERED = re.compile(r"(\d{5,})-(\d+)\.(?:png|jpe?g|webp)")
_OF_THE_PROGRAM = ("Version",)
"""Fields that do not say how a picture looks."""


@dataclass(frozen=True)
class Place:
    """Where a picture lies, and whether it is ``there`` already."""

    path: Path
    there: bool


def places(
    folder: Path,
    seeds: Sequence[int],
    told: Callable[[int], Infotext],
    ending: str,
    besides: Path | None = None,
    *,
    again: bool = False,
) -> list[Place]:
    """A place for each wanted picture, ``00003-42.png``: its place in the order, and its seed.

    A picture of ``ending`` that tells of just the same parameters (``told`` by place in the order) is the
    one that is wanted, unless it is drawn ``again`` or is ``besides``. No file that is there gets another's
    name: in a folder that holds other pictures, the count goes on from theirs.
    """
    taken = _numbered(folder)
    known = {key: path for key, path in taken.items() if not (besides and path.samefile(besides))}
    found = {} if again else _found(known, seeds, told, ending)
    offset = _offset(found, taken)
    numbers, free = {number for number, _ in taken}, max((number for number, _ in taken), default=0)
    result = []
    for position, seed in enumerate(seeds, start=1):
        number = offset + position
        if position in found:
            result.append(Place(taken[found[position]], True))
            continue
        if number in numbers:
            number = free = max(free, offset + len(seeds)) + 1
        result.append(Place(folder / f"{number:05d}-{seed}{ending}", False))
    return result


Taken = dict[tuple[int, str], Path]


def _numbered(folder: Path) -> Taken:
    """Pictures by number and end, as they lie in ``folder``."""
    matches = {path: _NUMBERED.fullmatch(path.name) for path in sorted(folder.glob("*-*.*"))}
    return {(int(match[1]), path.name): path for path, match in matches.items() if match}


def _found(
    taken: Taken, seeds: Sequence[int], told: Callable[[int], Infotext], ending: str
) -> dict[int, tuple[int, str]]:
    """Positions whose picture is there. Only files of a wanted seed are opened."""
    by_seed: dict[str, list[tuple[int, str]]] = {}
    for key, path in taken.items():
        if path.suffix == ending:
            by_seed.setdefault(path.stem.partition("-")[2], []).append(key)
    found = {}
    for position, seed in enumerate(seeds, start=1):
        keys = by_seed.get(str(seed), [])
        wanted = _as_read(told(position - 1)) if keys else None
        same = [key for key in keys if _comparable(told_by(taken[key])) == wanted]
        if same:
            found[position] = same[0]
    return found


def tells_of(path: Path, wanted: Infotext) -> bool:
    """Whether the picture at ``path`` tells of just these parameters."""
    return _comparable(told_by(path)) == _as_read(wanted)


def _as_read(told: Infotext) -> Infotext | None:
    return _comparable(parse_infotext(write_infotext(told)))


def _offset(found: dict[int, tuple[int, str]], taken: Taken) -> int:
    """What is added to a position: so that what is there keeps its number, else behind all others."""
    if found:
        position, (number, _) = next(iter(found.items()))
        return max(0, number - position)
    return max((number for number, _ in taken), default=0)


def _comparable(told: Infotext | None) -> Infotext | None:
    if told is None:
        return None
    fields = {key: value for key, value in told.fields.items() if key not in _OF_THE_PROGRAM}
    return Infotext(told.prompt, told.negative, fields)
