"""The measures that the page sorts by and draws, each on one axis with the limits that decide on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dataset_tools.quality.qc_record import QcRecord
from dataset_tools.quality.thresholds import Thresholds
from dataset_tools.quality.verdict import CLIPPED, EAR_REFERENCE_PX, NO_JPEG, RESIZED

LEVELS = ("warn", "reject")


def _same(limit: float) -> float:
    return limit


class Line(NamedTuple):
    """A threshold's measure, and where on the axis its limit lies. ``label`` tells two lines apart."""

    measure: str
    label: str = ""
    on_axis: Callable[[float], float] = _same


def _score(name: str) -> Callable[[QcRecord], float | None]:
    return lambda record: record.scores.get(name)


def _short_side_px(record: QcRecord) -> float | None:
    return min(record.width, record.height) if record.width and record.height else None


def _aspect(record: QcRecord) -> float | None:
    short = _short_side_px(record)
    return round(max(record.width or 0, record.height or 0) / short, 3) if short else None


class Column(NamedTuple):
    """One axis: what it shows of a record. ``least``: low values are the bad ones."""

    key: str
    title: str
    unit: str
    of: Callable[[QcRecord], float | None]
    lines: Sequence[Line] = ()
    least: bool = False


COLUMNS = (
    Column("blur", "Blur", "px", _score("blur"), (Line("blur_px"), Line("motion_px", "moved"))),
    Column("noise", "Noise, sigma", "", _score("noise"), (Line("noise_sigma"),)),
    Column(
        "blockiness",
        "JPEG damage",
        "",
        _score("blockiness"),
        (
            Line("jpeg_quality", "quality", lambda quality: (NO_JPEG - quality) / NO_JPEG),
            Line("resized_blocks", "resized", lambda blocks: blocks / RESIZED),
            Line("blockiness", "edges", lambda steps: min(steps, 1.0) / 10),
        ),
    ),
    Column(
        "jpeg_quality",
        "JPEG quality",
        "",
        lambda record: record.jpeg_quality,
        (Line("jpeg_quality"),),
        least=True,
    ),
    Column("dark", "Dark", "", _score("dark"), (Line("dark"),)),
    Column(
        "light",
        "Blown out",
        "",
        _score("light"),
        (Line("light"), Line("clipped", "clipped", lambda share: CLIPPED * share)),
    ),
    Column("contrast", "Low contrast", "", _score("contrast"), (Line("contrast"),)),
    Column("resolution", "Enlarged, log odds", "", _score("resolution"), (Line("enlarged"),)),
    Column("size", "Short side", "px", _short_side_px, (Line("short_side_px"),), least=True),
    Column("aspect", "Long side / short side", "", _aspect, (Line("aspect"),)),
    Column(
        "framing",
        "Framing",
        "",
        _score("framing"),
        (Line("ear_box_px", "ear", lambda side: EAR_REFERENCE_PX / side), Line("bars", "bars")),
    ),
    Column(
        "content",
        "Emptiness",
        "",
        _score("content"),
        (Line("colour_range", "colours", lambda colours: 1 - colours / 255),),
    ),
)


def described(thresholds: Thresholds) -> list[dict[str, Any]]:
    """Each column as the page needs it, with the limits that ``thresholds`` set."""
    return [
        {
            "key": column.key,
            "title": column.title,
            "unit": column.unit,
            "least": column.least,
            "limits": [limit for line in column.lines for limit in _limits(line, thresholds)],
        }
        for column in COLUMNS
    ]


def _limits(line: Line, thresholds: Thresholds) -> list[dict[str, Any]]:
    found = [(level, thresholds.limit(line.measure, level)) for level in LEVELS]
    return [
        {"level": level, "label": line.label, "at": round(line.on_axis(limit), 4)}
        for level, limit in found
        if limit is not None
    ]


def values(record: QcRecord) -> list[float | None]:
    """The record's value on each of `COLUMNS`."""
    return [column.of(record) for column in COLUMNS]
