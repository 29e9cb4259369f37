"""The page's part on QC: how many photographs passed, which did not and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wrapper.project.layout import ProjectPaths
from wrapper.records import each_line
from wrapper.report.pictures import Picture, picture

STATUSES = (("OK", "passed"), ("WARN", "kept with a warning"), ("REJECT", "rejected"))
MAX_SHOWN = 36
THUMB_PX = 160


@dataclass(frozen=True)
class Share:
    status: str
    label: str
    count: int
    percent: float


@dataclass(frozen=True)
class Photo:
    """``reasons`` are sentences; ``size`` is ``640 × 480`` in pixels, empty for what is no picture."""

    name: str
    short: str
    status: str
    reasons: list[str]
    size: str
    thumb: Picture | None


@dataclass(frozen=True)
class QualityPart:
    missing: str = ""
    total: int = 0
    shares: list[Share] = field(default_factory=list)
    rejected: list[Photo] = field(default_factory=list)
    warned: list[Photo] = field(default_factory=list)
    passed: list[Photo] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)


def quality_part(paths: ProjectPaths, photographs: Path) -> QualityPart:
    """``photographs`` is the folder that the paths in ``qc.jsonl`` are relative to."""
    counts: Counter[str] = Counter()
    first: dict[str, list[dict[str, Any]]] = {status: [] for status, _ in STATUSES}
    for row in each_line(paths.qc / "qc.jsonl"):
        counts[row["status"]] += 1
        if counts[row["status"]] <= MAX_SHOWN and row["status"] in first:
            first[row["status"]].append(row)
    total = counts.total()
    if not total:
        return QualityPart(missing="QC was not run: there is no qc/qc.jsonl.")
    shown = {status: [_photo(row, photographs) for row in found] for status, found in first.items()}
    return QualityPart(
        total=total,
        shares=[
            Share(status, label, counts[status], round(100 * counts[status] / total, 2))
            for status, label in STATUSES
        ],
        rejected=shown["REJECT"],
        warned=shown["WARN"],
        passed=shown["OK"],
        more={status: max(0, counts[status] - MAX_SHOWN) for status in first},
    )


def _photo(row: dict[str, Any], photographs: Path) -> Photo:
    reasons = [reason["message"] for reason in row.get("reasons", [])]
    if row.get("duplicate_of") and not any(row["duplicate_of"] in reason for reason in reasons):
        reasons.append(f"Much like {row['duplicate_of']}.")
    if row.get("error") and not reasons:
        reasons.append(str(row["error"]))
    size = f"{row['width']} × {row['height']}" if row.get("width") else ""
    name = str(row["path"])
    return Photo(
        name, Path(name).stem, row["status"], reasons, size, picture(photographs / name, name, THUMB_PX)
    )
