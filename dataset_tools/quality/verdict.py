"""Measures and thresholds → reasons and scores. The only place where a number becomes a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dataset_tools.quality.measure import Box, Measures
from dataset_tools.quality.measures.resolution import REPEATED
from dataset_tools.quality.qc_record import Reason, Status
from dataset_tools.quality.thresholds import Thresholds

SIZE_REFERENCE_PX = 512.0
EAR_REFERENCE_PX = 200.0
NO_JPEG = 100
SURE = 2.8
"""Log odds from which on a picture counts as enlarged."""
PIXELS_REPEATED = 10.0
"""Log odds of an enlargement for each time that every pixel is there."""
GREY_FILL = 10.0
"""So much of the frame in grey as `content` can otherwise at most be, is a broken file and no chance."""
CLIPPED = 2.6
"""Weight of `clipped` beside `light`: where a preset warns of the one, it rejects for the other."""
RESIZED = 3.0
"""`resized_blocks` over this is a loss between 0 and 1, as quality is."""


class Rule(NamedTuple):
    """A measure, the code of its reason, and a sentence over ``{value}`` and ``{limit}``."""

    measure: str
    code: str
    text: str
    least: bool = False
    """Whether the limit is a least value."""


RULES = (
    Rule("short_side_px", "resolution", "short side {value:.0f} px, under {limit:g} px", least=True),
    Rule(
        "detail_px", "resolution", "enlarged: about {value:.0f} px of detail, under {limit:g} px", least=True
    ),
    Rule("enlarged", "resolution", "enlarged: fine detail is missing, log odds {value:.1f}, over {limit:g}"),
    Rule("aspect", "aspect", "long side {value:.2f} times the short side, over {limit:g}"),
    Rule(
        "colour_range",
        "content",
        "almost blank: colours {value:.0f} levels apart, under {limit:g}",
        least=True,
    ),
    Rule("grey_fill", "content", "{value:.0%} of the frame is the grey of a broken file, over {limit:.0%}"),
    Rule("blur_px", "blur", "soft: edges {value:.2f} px wide, over {limit:g} px"),
    Rule("motion_px", "blur", "moved: edges {value:.2f} px wide in one direction, over {limit:g} px"),
    Rule("noise_sigma", "noise", "noise of sigma {value:.1f}, over {limit:g}"),
    Rule("blockiness", "blockiness", "JPEG blocks: steps at their edges {value:.2f}, over {limit:g}"),
    Rule("jpeg_quality", "blockiness", "JPEG quality {value:.0f}, under {limit:g}", least=True),
    Rule("resized_blocks", "blockiness", "blocks of a JPEG that was resized: {value:.1f}, over {limit:g}"),
    Rule("moire", "moire", "a regular pattern (moiré): peak {value:.2f}, over {limit:g}"),
    Rule("dark", "exposure", "too dark: {value:.2f}, over {limit:g}"),
    Rule("light", "exposure", "blown out: {value:.2f}, over {limit:g}"),
    Rule("clipped", "exposure", "blown out: {value:.0%} of the middle is plain white, over {limit:.0%}"),
    Rule("contrast", "exposure", "low contrast: {value:.2f}, over {limit:g}"),
    Rule("bars", "framing", "bars at two sides, each {value:.0%} of the frame, over {limit:.0%}"),
    Rule("ear_box_px", "framing", "short side of the ear {value:.0f} px, under {limit:g} px", least=True),
    Rule(
        "border_px",
        "framing",
        "the subject is {value:.0f} px from the border, under {limit:g} px",
        least=True,
    ),
)
OF_BLANK = ("short_side_px", "aspect", "colour_range", "dark", "light", "clipped")
"""All that is said of a blank frame."""


def reasons(values: Mapping[str, float | None], thresholds: Thresholds) -> list[tuple[Status, Reason]]:
    """Every rule that ``values`` break, with its weight: the reject limit first, else the warn limit."""
    found = [broken for rule in RULES if (broken := _broken(rule, values.get(rule.measure), thresholds))]
    blank = any(status == "REJECT" and reason.measure == "colour_range" for status, reason in found)
    return [one for one in found if not blank or one[1].measure in OF_BLANK]


def _broken(rule: Rule, value: float | None, thresholds: Thresholds) -> tuple[Status, Reason] | None:
    if value is None:
        return None
    for status, level in (("REJECT", "reject"), ("WARN", "warn")):
        limit = thresholds.limit(rule.measure, level)
        if limit is not None and (value < limit if rule.least else value > limit):
            text = rule.text.format(value=value, limit=limit)
            return status, Reason(rule.code, text, rule.measure, round(float(value), 4), limit)
    return None


def worst(statuses: Iterable[Status]) -> Status:
    """REJECT before WARN before OK."""
    found = set(statuses)
    return next((status for status in ("REJECT", "WARN") if status in found), "OK")


def values_of(measures: Measures, box: Box | None, *, is_ear: bool) -> dict[str, float | None]:
    """The measures by name, with those of the subject's ``box`` (x0, y0, x1, y1 px) where there is one."""
    values: dict[str, float | None] = measures._asdict()
    repeated = measures.repeated > REPEATED
    values["enlarged"] = PIXELS_REPEATED * measures.repeated if repeated else measures.enlarged
    factor = measures.repeated if repeated else measures.enlargement if measures.enlarged > SURE else 1.0
    values["detail_px"] = measures.short_side_px / factor if factor > 1 else None
    values["ear_box_px"] = min(box[2] - box[0], box[3] - box[1]) if box and is_ear else None
    values["border_px"] = (
        min(box[0], box[1], measures.width - box[2], measures.height - box[3]) if box else None
    )
    return values


def scores(measures: Measures, values: Mapping[str, float | None]) -> dict[str, float]:
    """What ``qc.jsonl`` ranks by; each grows with the fault. Below 0 is better than what is usual."""
    fill = GREY_FILL * measures.grey_fill
    found = {
        "blur": max(measures.blur_px, measures.motion_px),
        "blockiness": _blockiness(measures),
        "noise": measures.noise_sigma,
        "dark": measures.dark,
        "light": max(measures.light, CLIPPED * measures.clipped),
        "contrast": measures.contrast,
        "resolution": values["enlarged"] or 0.0,
        "size": SIZE_REFERENCE_PX / measures.short_side_px,
        "aspect": measures.aspect - 1.0,
        "framing": _framing(values) + measures.bars,
        "content": 1.0 - measures.colour_range / 255 + (fill if fill > 1 else 0.0),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def _blockiness(measures: Measures) -> float:
    """0 to 1 or more: what the quality lost, the steps at block edges, or the traces of resized blocks."""
    lost = (NO_JPEG - (measures.jpeg_quality or NO_JPEG)) / NO_JPEG
    return max(lost, measures.resized_blocks / RESIZED, min(measures.blockiness, 1.0) / 10)


def _framing(values: Mapping[str, float | None]) -> float:
    """0 without a box; 1 for a subject at the border; an ear's reference size over its own."""
    ear, border = values["ear_box_px"], values["border_px"]
    return max(EAR_REFERENCE_PX / ear if ear else 0.0, 1.0 if border is not None and border < 1 else 0.0)
