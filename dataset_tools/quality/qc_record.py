"""What QC says about one picture: the line of ``qc.jsonl``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["OK", "WARN", "REJECT"]
CODES = (
    "blur",
    "blockiness",
    "noise",
    "moire",
    "exposure",
    "resolution",
    "aspect",
    "framing",
    "content",
    "corrupt",
    "duplicate",
)


@dataclass(frozen=True)
class Reason:
    """One finding: what was measured, and the limit that it passed."""

    code: str
    message: str
    measure: str = ""
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class QcRecord:
    """``path`` is relative to the inspected folder; width and height are those of the upright picture."""

    path: str
    status: Status
    reasons: list[Reason] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    """Higher is worse. Empty for a picture that cannot be decoded."""
    noise_sigma: float | None = None
    jpeg_quality: int | None = None
    width: int | None = None
    height: int | None = None
    duplicate_of: str | None = None
    error: str | None = None
    laplacian_variance: float | None = field(default=None, compare=False)
    """For the CSV only: noise and texture fool it."""

    def as_json(self) -> dict[str, Any]:
        """The fields of a line of ``qc.jsonl``."""
        data = asdict(self)
        del data["laplacian_variance"]
        return data


def record_from_json(data: dict[str, Any]) -> QcRecord:
    """The inverse of `QcRecord.as_json`; TypeError for other fields."""
    return QcRecord(**{**data, "reasons": [Reason(**reason) for reason in data["reasons"]]})
