"""``evaluation.json`` as the page shows it: the verdict, the rows of pictures, the scores."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wrapper.evaluation.metrics import METRICS, Metric, present
from wrapper.project.layout import ProjectPaths
from wrapper.records import read_json
from wrapper.report.checkpoints import headed
from wrapper.report.pictures import Picture, picture

COLUMNS = {
    "original": "original",
    "hole": "hole",
    "base": "base model",
    "stage_a": "with Stage A",
    "stage_b": "with Stage B",
}
MAX_ROWS = 24
OPEN_ROWS = 6
"""So many rows are seen at once; the others unfold."""
PICTURE_PX = 256
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Tile:
    figure: str
    label: str


@dataclass(frozen=True)
class Cell:
    """A picture and what is written below it."""

    image: Picture | None
    caption: str


@dataclass(frozen=True)
class Verdict:
    """``tone`` is good, bad or open; ``typical`` shows the image whose gain is the median one."""

    tone: str
    headline: str
    text: str
    tiles: list[Tile] = field(default_factory=list)
    typical: list[Cell] = field(default_factory=list)
    typical_note: str = ""


@dataclass(frozen=True)
class InpaintingPart:
    missing: str = ""
    rows: list[list[Cell]] = field(default_factory=list)
    folded: list[list[Cell]] = field(default_factory=list)
    more: int = 0
    settings: str = ""


@dataclass(frozen=True)
class ScoreRow:
    """``low``, ``at`` and ``high`` place mean ± sd on a line of 0…100."""

    name: str
    variant: str
    figures: list[str]
    n: int
    low: float
    at: float
    high: float
    best: bool


@dataclass(frozen=True)
class ScoresPart:
    missing: str = ""
    metrics: list[str] = field(default_factory=list)
    rows: list[ScoreRow] = field(default_factory=list)
    outside: str = ""
    verdict: str = ""


NO_MASKS = "No held-out image has a mask: there is nothing to compare inside of one."
NOT_EVALUATED = "Nothing was measured: there is no evaluation.json (held-out images with masks are needed)."


class Evaluation:
    """The record of one evaluation. ``record`` is None when there was none."""

    def __init__(self, paths: ProjectPaths) -> None:
        self.paths = paths
        self.record = read_json(paths.evaluation)

    def verdict(self) -> Verdict:
        if self.record is None:
            return Verdict("open", "Not measured yet", NOT_EVALUATED)
        told, masked = self.record["verdict"], self.record["masked"]
        if not masked:
            return _verdict_without_masks(told)
        candidate, gap = told["candidate"], told["psnr_db_difference"]
        tone = (
            "good" if told["better"] else "bad" if (gap["high"] is not None and gap["high"] < 0) else "open"
        )
        shown = self._typical(candidate)
        return Verdict(
            tone,
            _headline(tone, gap["mean"]),
            told["text"],
            _tiles(masked, candidate, gap, self.record["outside_mask_max_abs_diff"]),
            self._cells(shown, ["original", "hole", "base", candidate], 384) if shown else [],
            f"{shown['image']}: its gain is the median of {len(self.record['pictures'])} held-out images."
            if shown
            else "",
        )

    def inpainting(self) -> InpaintingPart:
        if self.record is None or not self.record["masked"]:
            return InpaintingPart(missing=NOT_EVALUATED if self.record is None else NO_MASKS)
        pictures, settings = self.record["pictures"], self.record["settings"]
        columns = [name for name in COLUMNS if pictures and name in pictures[0]]
        absent = [COLUMNS[name] for name in ("stage_a", "stage_b") if name not in columns]
        rows = [self._cells(row, columns, PICTURE_PX) for row in pictures[:MAX_ROWS]]
        return InpaintingPart(
            missing=f"Not there, because not trained: {', '.join(absent)}." if absent else "",
            rows=rows[:OPEN_ROWS],
            folded=rows[OPEN_ROWS:],
            more=max(0, len(pictures) - MAX_ROWS),
            settings=f"{settings['sampler']}, {settings['steps']} steps, CFG {settings['cfg']:g}, "
            f"strength {settings['strength']:g}, seed {settings['seeds'][0]}",
        )

    def scores(self) -> ScoresPart:
        if self.record is None or not self.record["masked"]:
            return ScoresPart(missing=NOT_EVALUATED if self.record is None else NO_MASKS)
        masked = self.record["masked"]
        metrics = present(set.intersection(*(set(figures) for figures in masked.values())))
        ends = [s["psnr_db"]["mean"] + sign * s["psnr_db"]["sd"] for s in masked.values() for sign in (-1, 1)]
        best = max(masked, key=lambda name: masked[name]["psnr_db"]["mean"])
        return ScoresPart(
            metrics=[headed(metric) for metric in metrics],
            rows=[
                _score_row(name, masked[name], min(ends), max(ends), best, metrics)
                for name in COLUMNS
                if name in masked
            ],
            outside=f"Largest change outside the mask: {self.record['outside_mask_max_abs_diff']} of 255.",
            verdict=self.record["verdict"]["text"],
        )

    def _cells(self, row: Mapping[str, str], columns: list[str], side_px: int) -> list[Cell]:
        return [
            Cell(
                picture(self.paths.root / row[name], f"{row['image']}, {COLUMNS[name]}", side_px),
                COLUMNS[name] + self._figure(row, name),
            )
            for name in columns
        ]

    def _figure(self, row: Mapping[str, str], variant: str) -> str:
        scores = (self.record or {}).get("per_image", [])
        found = [score["psnr_db"] for score in scores if score["picture"] == row[variant]]
        return f" · {found[0]:.1f} dB" if found else ""

    def _typical(self, candidate: str) -> Mapping[str, str] | None:
        """The pictures of the image whose gain over the base is the median one (the lower of two)."""
        record = self.record or {}
        shown = [row for row in record["pictures"] if candidate in row]
        gains = {row["image"]: _gain(record["per_image"], row["image"], candidate) for row in shown}
        if not gains:
            return None
        middle = statistics.median_low(gains.values())
        return next(row for row in shown if gains[row["image"]] == middle)


def _gain(scores: list[dict[str, Any]], image: str, candidate: str) -> float:
    def mean(variant: str) -> float:
        return statistics.fmean(
            s["psnr_db"] for s in scores if (s["image"], s["variant"]) == (image, variant)
        )

    return mean(candidate) - mean("base")


def _verdict_without_masks(told: Mapping[str, Any]) -> Verdict:
    """By identity, by the prompt or by the loss, where no held-out image has a mask."""
    known, gap = METRICS[told["metric"]], told["difference"]
    ends = sorted(known.gain * (gap[end] or 0.0) for end in ("low", "high"))
    tone = "good" if told["better"] else "bad" if ends[1] < 0 else "open"
    headlines = {
        "good": "The LoRA works: {}.",
        "bad": "The LoRA makes it worse: {}.",
        "open": "It is not shown that the LoRA helps: {}.",
    }
    figure = f"{known.title} {known.show_difference(gap['mean'])}"
    return Verdict(
        tone,
        headlines[tone].format(figure),
        told["text"],
        [Tile(figure, f"over {gap['n']}, against the base")],
    )


def _headline(tone: str, gap: float) -> str:
    if tone == "good":
        return f"The LoRA works: what it paints into the hole is {gap:.1f} dB closer to the truth."
    if tone == "bad":
        return f"The LoRA makes it worse, by {-gap:.1f} dB inside the mask."
    return "It is not shown that the LoRA helps."


def _tiles(masked: Mapping[str, Any], candidate: str, gap: Mapping[str, Any], outside: float) -> list[Tile]:
    base, ours = masked["base"], masked[candidate]
    interval = "" if gap["low"] is None else f", 95 % interval {signed(gap['low'])} to {signed(gap['high'])}"
    return [
        Tile(f"{base['psnr_db']['mean']:.1f} → {ours['psnr_db']['mean']:.1f} dB", "masked PSNR, base → LoRA"),
        Tile(f"{base['ssim']['mean']:.2f} → {ours['ssim']['mean']:.2f}", "masked SSIM, base → LoRA"),
        Tile(f"{signed(gap['mean'])} dB", f"paired gain over {gap['n']} images{interval}"),
        Tile(f"{outside}", "largest change outside the mask, of 255"),
    ]


def signed(value: float) -> str:
    """``signed(-1.234)`` → ``−1.23`` with a true minus."""
    return f"{value:+.2f}".replace("-", MINUS)


def _score_row(
    name: str, scores: Mapping[str, Any], low: float, high: float, best: str, metrics: Sequence[Metric]
) -> ScoreRow:
    def place(value: float) -> float:
        return round(4 + 92 * (value - low) / (high - low or 1.0), 2)

    psnr = scores["psnr_db"]
    return ScoreRow(
        COLUMNS[name],
        name,
        [f"{scores[m.name]['mean']:.{m.digits}f} ± {scores[m.name]['sd']:.{m.digits}f}" for m in metrics],
        psnr["n"],
        place(psnr["mean"] - psnr["sd"]),
        place(psnr["mean"]),
        place(psnr["mean"] + psnr["sd"]),
        name == best,
    )
