"""What was measured → what QC says: limits may change without anything being measured again."""

from __future__ import annotations

from dataclasses import replace

from dataset_tools.quality.duplicates import Match
from dataset_tools.quality.measuring import Facts
from dataset_tools.quality.qc_record import QcRecord, Reason
from dataset_tools.quality.thresholds import Thresholds
from dataset_tools.quality.verdict import reasons, scores, values_of, worst


def judged(name: str, facts: Facts, thresholds: Thresholds, *, is_ear: bool = False) -> QcRecord:
    """The record of one picture alone; one that could not be measured is rejected as corrupt."""
    measures = facts.measures
    if measures is None:
        return QcRecord(name, "REJECT", [Reason("corrupt", facts.error)], error=facts.error)
    values = values_of(measures, facts.box, is_ear=is_ear)
    found = reasons(values, thresholds)
    return QcRecord(
        path=name,
        status=worst(status for status, _ in found),
        reasons=[reason for _, reason in found],
        scores=scores(measures, values),
        noise_sigma=round(measures.noise_sigma, 2),
        jpeg_quality=measures.jpeg_quality,
        width=measures.width,
        height=measures.height,
        laplacian_variance=round(measures.laplacian_variance, 1),
    )


def rank(record: QcRecord) -> int:
    """Least for the best of several copies: the soundest, then the largest, then the least compressed."""
    soundness = ("OK", "WARN", "REJECT").index(record.status)
    pixels = (record.width or 0) * (record.height or 0)
    return (soundness << 48) - (pixels << 8) - (record.jpeg_quality or 100)


def marked(record: QcRecord, original: str, match: Match, thresholds: Thresholds) -> QcRecord:
    """The record with its duplicate: equal pixels are rejected, alike ones by their threshold."""
    value, reject = match.similarity, thresholds.similarity_reject
    if match.equal:
        status, limit, text = "REJECT", 1.0, f"the same pixels as {original}"
    else:
        refused = reject is not None and value >= reject
        status, limit = ("REJECT", reject) if refused else ("WARN", thresholds.similarity_warn)
        text = f"almost the same picture as {original}: {value:.3f} alike, at least {limit:g}"
    reason = Reason("duplicate", text, "similarity", round(value, 4), limit)
    return replace(
        record,
        status=worst([record.status, status]),
        reasons=[*record.reasons, reason],
        duplicate_of=original,
    )
