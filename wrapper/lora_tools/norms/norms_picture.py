"""Norms of LoRA files as bars, one panel a file, all on one scale: laid out here, drawn elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import check_place
from dataset_tools.printable import one_line
from wrapper.curves import axis
from wrapper.lora.fit import TITLES
from wrapper.lora_tools.facts.info import LoraInfo
from wrapper.lora_tools.norms.laid_out import Box, Picture, Rule, Word
from wrapper.lora_tools.norms.norm_blocks import PARTS, Place, by_place
from wrapper.lora_tools.norms.norms import total

ENDINGS = (".png", ".svg", ".html")
MAX_FILES = 24
_LEFT, _RIGHT, _TOP, _BAR, _GAP, _GROUP_GAP = 58, 16, 64, 30, 6, 14
_BARS_HEIGHT, _PANEL_HEIGHT, _LETTER = 170, 276, 8


def check_picture(path: Path, files: Sequence[Path], *, quick: bool, force: bool) -> None:
    """Raise `UserError` for a picture that cannot be drawn there; asked before the work."""
    if path.suffix.lower() not in ENDINGS:
        raise UserError(f"{path}: is no picture to draw.", f"Let its name end in {', '.join(ENDINGS)}.")
    if quick:
        raise UserError("--quick reads no numbers to draw.", "Leave out --quick or --picture.")
    if len(files) > MAX_FILES:
        raise UserError(f"{len(files)} files are too many for one picture.", f"Give at most {MAX_FILES}.")
    if path.exists() and not force:
        raise UserError(f"{path}: is there already.", "Name another, or give --force to write over it.")
    check_place(path)


def draw_norms(found: Sequence[LoraInfo], path: Path) -> None:
    """Write the picture in the format of its name. Raises `UserError` when no file has norms."""
    from wrapper.lora_tools.norms.picture_files import write_picture

    drawn = [info for info in found if info.norms]
    if not drawn:
        raise UserError("There are no norms to draw.", "Give a LoRA of SD 1.5 or SDXL.")
    write_picture(norms_picture(drawn), path)


def norms_picture(found: Sequence[LoraInfo]) -> Picture:
    """The layout of one panel for each file."""
    panels = [(info, by_place(info.norms or [])) for info in found]
    ticks = axis(0.0, max((place.norm for _, places in panels for place in places), default=1.0))
    width = round(max(_panel_width(places) for _, places in panels))
    names = ", ".join(info.path.name for info in found)
    picture = Picture(max(width, 560), _PANEL_HEIGHT * len(found) + 8, f"norms by block: {names}")
    for number, (info, places) in enumerate(panels):
        _panel(picture, info, places, ticks, top=number * _PANEL_HEIGHT)
    return picture


def _panel(
    picture: Picture, info: LoraInfo, places: Sequence[Place], ticks: Sequence[float], top: float
) -> None:
    bottom = top + _TOP + _BARS_HEIGHT
    picture.words += [
        Word(_LEFT, top + 22, _title(info, picture.width), kind="ink", size=14),
        _caption(info, top),
    ]
    picture.words += _legend(places, top)
    for tick in ticks:
        y = bottom - tick / ticks[-1] * _BARS_HEIGHT
        picture.rules.append(Rule(_LEFT, y, picture.width - _LEFT - _RIGHT))
        picture.words.append(Word(_LEFT - 6, y + 4, f"{tick:g}", "end"))
    for place, x in _columns(places):
        picture.boxes += _bar(place, x, bottom, _BARS_HEIGHT / ticks[-1])
        picture.words.append(Word(x + _BAR / 2, bottom + 14, _short_name(place.name), "middle"))
    picture.words += _group_names(places, bottom + 28)
    picture.boxes += _legend_boxes(places, top)


def _title(info: LoraInfo, width: int) -> str:
    return one_line(info.path.name, (width - _LEFT - _RIGHT) // _LETTER)


def _caption(info: LoraInfo, top: float) -> Word:
    kind = TITLES[info.found.kind] if info.found.kind else ""
    ranks = sorted(set(info.ranks.values()))
    rank = f"rank {ranks[0]}" if len(ranks) == 1 else f"ranks {ranks[0]} to {ranks[-1]}" if ranks else ""
    text = f"{kind}, {rank}: norm of the change at weight 1 by place, {total(info.norms or []):.3g} in all"
    return Word(_LEFT, top + 38, text)


def _legend(places: Sequence[Place], top: float) -> Iterator[Word]:
    for part, x in _legend_places(places):
        yield Word(x + 14, top + _TOP - 8, part)


def _legend_boxes(places: Sequence[Place], top: float) -> Iterator[Box]:
    for part, x in _legend_places(places):
        yield Box(x, top + _TOP - 17, 10, 10, _colour(part))


def _legend_places(places: Sequence[Place]) -> Iterator[tuple[str, float]]:
    x = float(_LEFT)
    for part in PARTS:
        if any(place.part_norm(part) for place in places):
            yield part, x
            x += 6.2 * len(part) + 30


def _bar(place: Place, x: float, bottom: float, scale: float) -> Iterator[Box]:
    """Each part as high as its share of the squared norm, so that they stand on each other."""
    if not place.norm:
        return
    y = bottom
    for part in PARTS:
        height = place.part_norm(part) ** 2 / place.norm * scale
        if height > 0:
            y -= height
            yield Box(x, y, _BAR, height, _colour(part))


def _colour(part: str) -> str:
    return f"part{PARTS.index(part)}"


def _columns(places: Sequence[Place]) -> Iterator[tuple[Place, float]]:
    x, before = float(_LEFT + 8), ""
    for place in places:
        group = _group(place.name)
        x += 0 if not before else _GAP if group == before else _GROUP_GAP
        yield place, x
        x, before = x + _BAR, group


def _panel_width(places: Sequence[Place]) -> float:
    return max((x for _, x in _columns(places)), default=_LEFT) + _BAR + 8 + _RIGHT


def _group_names(places: Sequence[Place], y: float) -> Iterator[Word]:
    for name, columns in groupby(_columns(places), key=lambda column: _group(column[0].name)):
        xs = [x for _, x in columns]
        if " " in name:
            yield Word((xs[0] + xs[-1] + _BAR) / 2, y, name, "middle")


def _group(place: str) -> str:
    """``down 1.0`` → ``down 1``."""
    return place.partition(".")[0]


def _short_name(place: str) -> str:
    """``down 1.0`` → ``.0``."""
    return place[place.index(".") :] if "." in place else place
