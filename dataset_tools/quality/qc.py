"""QC of a folder or a manifest: each picture decoded once, measured, judged, compared with the others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dataset_tools.errors import Problems, RunFailed, UserError
from dataset_tools.image_files import image_files
from dataset_tools.manifests.manifest import Manifest
from dataset_tools.manifests.schema import ManifestRow
from dataset_tools.pictures.images import read_mask
from dataset_tools.pictures.inspected import decode_to_inspect
from dataset_tools.processors import usable
from dataset_tools.progress import progress
from dataset_tools.quality.duplicates import Fingerprint, Match, find_duplicates, fingerprint
from dataset_tools.quality.measure import Box, measure
from dataset_tools.quality.page.thumbnails import save_thumbnail, thumbnail_name
from dataset_tools.quality.qc_record import QcRecord, Reason
from dataset_tools.quality.thresholds import Thresholds, load_thresholds
from dataset_tools.quality.verdict import reasons, scores, values_of, worst

__all__ = ["QcRecord", "Thresholds", "inspect_folder", "inspect_manifest", "load_thresholds"]
POOL_FROM = 64
"""Number of pictures from which on worker processes are worth their start."""
MOST_WORKERS = 8


class Job(NamedTuple):
    """One picture to inspect. ``box`` or ``mask`` say where the subject is, ``thumbnails`` where a small copy
    goes.
    """

    name: str
    path: Path
    thresholds: Thresholds
    box: Box | None = None
    mask: Path | None = None
    is_ear: bool = False
    thumbnails: Path | None = None


class Inspected(NamedTuple):
    """``problem``: what the manifest says about the picture and cannot be."""

    record: QcRecord
    fingerprint: Fingerprint | None = None
    problem: str = ""


def inspect_folder(
    folder: Path, thresholds: Thresholds, workers: int | None = None, thumbnails: Path | None = None
) -> list[QcRecord]:
    """Inspect every picture below ``folder``; small copies go to ``thumbnails``. UserError for none."""
    names = image_files(folder)
    if not names:
        raise UserError(f"{folder}: no images in this folder", "Name a folder of photographs.")
    jobs = [Job(name, folder / name, thresholds, thumbnails=thumbnails) for name in names]
    return _inspect_all(jobs, thresholds, workers)


def inspect_manifest(
    manifest: Manifest, thresholds: Thresholds, workers: int | None = None, thumbnails: Path | None = None
) -> list[QcRecord]:
    """Inspect the manifest's pictures, in the order of its rows.

    UserError when a mask is of another size than its picture or cannot be read, or an ear box lies outside.
    """
    jobs = [_job(manifest, row, thresholds)._replace(thumbnails=thumbnails) for row in manifest.rows]
    return _inspect_all(jobs, thresholds, workers, manifest.source)


def _job(manifest: Manifest, row: ManifestRow, thresholds: Thresholds) -> Job:
    path, mask = manifest.image_path(row), manifest.mask_path(row)
    return Job(row.image, path, thresholds, row.ear_box, mask, row.type == "ear")


def _inspect_all(
    jobs: Sequence[Job], thresholds: Thresholds, workers: int | None, source: Path | None = None
) -> list[QcRecord]:
    results = []
    with progress("qc", len(jobs)) as bar, _inspected(jobs, workers) as stream:
        for result in stream:
            results.append(result)
            bar.advance()
    problems = Problems()
    for result in results:
        if result.problem:
            problems.add(f"{source} ({result.record.path})", result.problem)
    problems.raise_if_any()
    return _with_duplicates(results, thresholds)


@contextmanager
def _inspected(jobs: Sequence[Job], workers: int | None) -> Iterator[Iterator[Inspected]]:
    """The results in order: made here for few pictures, else by worker processes."""
    count = workers or (min(usable(), MOST_WORKERS) if len(jobs) >= POOL_FROM else 1)
    if count == 1:
        yield map(inspect_one, jobs)
        return
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_one_thread)
    try:
        with _deaf_children():
            results = pool.map(inspect_one, jobs, chunksize=8)
        yield results
    except BrokenProcessPool as error:
        raise RunFailed(
            "qc: a worker process was killed", "Most likely out of memory: try --workers 1."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started in here ignore Ctrl-C, which is this process's to handle."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def inspect_one(job: Job) -> Inspected:
    """Decode, measure and judge one picture; one that cannot be decoded is rejected as corrupt."""
    try:
        picture = decode_to_inspect(job.path)
    except UserError as error:
        text = error.message.removeprefix(f"{job.path}: ")
        return Inspected(QcRecord(job.name, "REJECT", [Reason("corrupt", text)], error=text))
    try:
        box = _subject(job, (picture.height, picture.width))
    except UserError as error:
        return Inspected(QcRecord(job.name, "REJECT"), problem=error.message)
    if job.thumbnails:
        save_thumbnail(picture.rgb, job.thumbnails / thumbnail_name(job.name))
    measures = measure(picture, box)
    values = values_of(measures, box, is_ear=job.is_ear)
    found = reasons(values, job.thresholds)
    record = QcRecord(
        path=job.name,
        status=worst(status for status, _ in found),
        reasons=[reason for _, reason in found],
        scores=scores(measures, values),
        noise_sigma=round(measures.noise_sigma, 2),
        jpeg_quality=measures.jpeg_quality,
        width=picture.width,
        height=picture.height,
        laplacian_variance=round(measures.laplacian_variance, 1),
    )
    return Inspected(record, fingerprint(picture.rgb))


def _subject(job: Job, size: tuple[int, int]) -> Box | None:
    """The ear's box, else the box of the mask's white; ``size`` is the picture's (height, width)."""
    height, width = size
    if job.box and (job.box[2] > width or job.box[3] > height):
        raise UserError(f"ear_box {list(job.box)} lies outside the picture of {width} × {height} px")
    white = _white_box(job.mask, size) if job.mask else None
    return job.box or white


def _white_box(path: Path, size: tuple[int, int]) -> Box | None:
    mask = read_mask(path)
    if mask.shape != size:
        found, wanted = (f"{width} × {height}" for height, width in (mask.shape, size))
        raise UserError(f"the mask {path.name} is {found} px, its picture {wanted} px")
    rows, columns = (np.flatnonzero((mask > 127).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _with_duplicates(results: Sequence[Inspected], thresholds: Thresholds) -> list[QcRecord]:
    records = [result.record for result in results]
    limits = [x for x in (thresholds.similarity_warn, thresholds.similarity_reject) if x is not None]
    prints = [result.fingerprint for result in results]
    matches = find_duplicates(prints, min(limits, default=None), [_rank(record) for record in records])
    for index, match in matches.items():
        records[index] = _marked(records[index], records[match.original].path, match, thresholds)
    return records


def _rank(record: QcRecord) -> tuple[int, int, int]:
    """Least for the best of several copies: the soundest, then the largest, then the least compressed."""
    soundness = ("OK", "WARN", "REJECT").index(record.status)
    pixels = (record.width or 0) * (record.height or 0)
    return soundness, -pixels, -(record.jpeg_quality or 100)


def _marked(record: QcRecord, original: str, match: Match, thresholds: Thresholds) -> QcRecord:
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
