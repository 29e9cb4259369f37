"""QC of a folder or a manifest: each picture measured once, judged, compared with the others.

Nothing is held in memory but a few numbers a picture: what was measured lies in a database on the disk.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from dataset_tools.errors import UserError
from dataset_tools.image_files import is_foreign, list_folder
from dataset_tools.manifests.folder_names import with_masks
from dataset_tools.manifests.manifest import Manifest
from dataset_tools.quality.collecting import Collected, Collector, Picture
from dataset_tools.quality.duplicates import Fingerprint, Match
from dataset_tools.quality.duplicates.groups import AlikePair, alike_pairs, first_of_equals, matches
from dataset_tools.quality.engines import Engine, measured_here
from dataset_tools.quality.engines.processes import by_processes, worker_count
from dataset_tools.quality.judging import judged, marked, rank
from dataset_tools.quality.measured_store import MeasuredStore, measured_store
from dataset_tools.quality.measuring import Facts, Measured, Task, measure_file
from dataset_tools.quality.qc_record import QcRecord
from dataset_tools.quality.thresholds import Thresholds, load_thresholds

__all__ = ["QcRecord", "Thresholds", "inspect_folder", "inspect_manifest", "inspection", "load_thresholds"]
POOL_FROM = 64
"""Number of pictures from which on worker processes are worth their start."""


class Pictures(NamedTuple):
    """The pictures of a run: ``all`` gives them in order, as often as it is called.

    ``skipped`` are the other files of a folder.
    """

    count: int
    all: Callable[[], Iterator[Picture]]
    root: Path
    source: Path
    skipped: Sequence[str] = ()


def pictures_in(source: Path | Manifest) -> Pictures:
    """The pictures below a folder, or those of a manifest's rows. UserError for a folder without any."""
    if isinstance(source, Manifest):
        return Pictures(len(source.rows), lambda: _of_rows(source), source.root, source.source)
    names, skipped = told_apart(source)
    if not names:
        raise UserError(f"{source}: no images in this folder", "Name a folder of photographs.")

    def in_order() -> Iterator[Picture]:
        return (Picture(name, source / name) for name in names)

    return Pictures(len(names), in_order, source, source, skipped)


def told_apart(folder: Path) -> tuple[list[str], list[str]]:
    """The files below ``folder`` that QC has a line for, and the others, masks of pictures among them.

    Photographs that cannot be decoded here are among the first: they are rejected, not passed over.
    """
    listing = list_folder(folder)
    masks = {mask for _, mask in with_masks(listing.pictures) if mask}
    foreign = [name for name in listing.others if is_foreign(name)]
    pictures = [name for name in listing.pictures if name not in masks]
    others = [name for name in listing.others if not is_foreign(name)]
    return sorted([*pictures, *foreign]), [*others, *sorted(masks)]


def _of_rows(manifest: Manifest) -> Iterator[Picture]:
    for row in manifest.rows:
        mask = manifest.mask_path(row)
        yield Picture(row.image, manifest.image_path(row), row.ear_box, mask, row.type == "ear")


def inspect_folder(
    folder: Path, thresholds: Thresholds, workers: int | None = None, thumbnails: Path | None = None
) -> list[QcRecord]:
    """Inspect every picture below ``folder``; small copies go to ``thumbnails``. UserError for none."""
    return _inspect_all(pictures_in(folder), thresholds, workers, thumbnails)


def inspect_manifest(
    manifest: Manifest, thresholds: Thresholds, workers: int | None = None, thumbnails: Path | None = None
) -> list[QcRecord]:
    """Inspect the manifest's pictures, in the order of its rows.

    UserError when a mask is of another size than its picture or cannot be read, or an ear box lies outside.
    """
    return _inspect_all(pictures_in(manifest), thresholds, workers, thumbnails)


def _inspect_all(
    pictures: Pictures, thresholds: Thresholds, workers: int | None, thumbnails: Path | None
) -> list[QcRecord]:
    here = workers is None and pictures.count < POOL_FROM
    engine = measured_here if here else by_processes(workers or worker_count(pictures.count))
    with inspection(pictures, thresholds, engine, thumbnails=thumbnails) as found:
        return list(found)


@contextmanager
def inspection(
    pictures: Pictures,
    thresholds: Thresholds,
    engine: Engine,
    *,
    cache: Path | None = None,
    thumbnails: Path | None = None,
) -> Iterator[Inspection]:
    """Inspect ``pictures``; the records can be read while the context is open.

    With ``cache``, a file, what was measured there before is taken over by content, and what is measured now
    is kept there as it comes. UserError when a mask is of another size than its picture or cannot be read, or
    an ear box lies outside.
    """
    with measured_store(cache) as store:
        collected = Collector(store, engine, thumbnails).collect(
            pictures.all(), pictures.count, pictures.source
        )
        yield Inspection(store, pictures, collected, thresholds)


class Inspection:
    """The records of a run, in order: each is made when it is asked for. ``taken_over``: not measured now."""

    def __init__(
        self, store: MeasuredStore, pictures: Pictures, collected: Collected, thresholds: Thresholds
    ) -> None:
        self.pictures, self.taken_over = pictures, collected.taken_over
        self._store, self._collected, self._thresholds = store, collected, thresholds
        self._matches = self._find_matches()
        self._originals = self._names_of({match.original for match in self._matches.values()})

    def __len__(self) -> int:
        return self.pictures.count

    def __iter__(self) -> Iterator[QcRecord]:
        for place, record in enumerate(self._alone()):
            match = self._matches.get(place)
            original = self._originals[match.original] if match else ""
            yield marked(record, original, match, self._thresholds) if match else record

    def _alone(self) -> Iterator[QcRecord]:
        """The records without what is known by comparing."""
        found = self._store.facts([row for row in self._collected.rows if row >= 0])
        for place, picture in enumerate(self.pictures.all()):
            unread = self._collected.unread.get(place)
            facts = unread or next(found)
            yield judged(picture.name, facts, self._thresholds, is_ear=picture.is_ear)

    def _names_of(self, places: set[int]) -> dict[int, str]:
        return {place: one.name for place, one in enumerate(self.pictures.all()) if place in places}

    def _find_matches(self) -> dict[int, Match]:
        prints = _Prints(self._store, self._collected.rows)
        first = first_of_equals(prints)
        limits = [self._thresholds.similarity_warn, self._thresholds.similarity_reject]
        least = min((limit for limit in limits if limit is not None), default=None)
        pairs = [] if least is None else self._pairs(prints, first, least)
        ranks = array("q", (rank(record) for record in self._alone()))
        return matches(first, pairs, ranks)

    def _pairs(self, prints: _Prints, first: dict[int, int], least: float) -> list[AlikePair]:
        """Those of the last search when it was among the same pictures in the same order."""
        key = prints.key(f"{self._store.version} {least}")
        kept = self._store.pairs(key)
        if kept is None:
            found = self._compared(prints, first, least)
            self._store.keep_pairs(key, found)
            return found
        return [AlikePair(int(one), int(other), similarity) for one, other, similarity in kept]

    def _compared(self, prints: _Prints, first: dict[int, int], least: float) -> list[AlikePair]:
        """What was compared is kept, also when this is interrupted."""
        try:
            return alike_pairs(prints, first, least, self._store.agreements, self._store.last_search)
        finally:
            self._store.agreements.keep()


class _Prints(Sequence[Fingerprint | None]):
    """Fingerprints as they lie in the store."""

    def __init__(self, store: MeasuredStore, rows: Sequence[int]) -> None:
        self._store, self._rows = store, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> Fingerprint | None:
        row = self._rows[place]
        return self._store.fingerprint(row) if row >= 0 else None

    def key(self, beside: str) -> str:
        """Changes with any fingerprint, and with the order."""
        digest = sha256(beside.encode())
        for one in self:
            digest.update((one.digest if one else "none").encode())
        return digest.hexdigest()


class Job(NamedTuple):
    """One picture to inspect by itself. ``box`` or ``mask`` say where the subject is."""

    name: str
    path: Path
    thresholds: Thresholds
    box: tuple[int, int, int, int] | None = None
    mask: Path | None = None
    is_ear: bool = False


class Inspected(NamedTuple):
    """``problem``: what the manifest says about the picture and cannot be."""

    record: QcRecord
    fingerprint: Fingerprint | None = None
    problem: str = ""


def inspect_one(job: Job) -> Inspected:
    """Decode, measure and judge one picture; one that cannot be decoded is rejected as corrupt."""
    found: Measured = measure_file(Task(0, job.path, job.box, job.mask))
    facts = found.facts or Facts()
    record = judged(job.name, facts, job.thresholds, is_ear=job.is_ear)
    return Inspected(record, found.fingerprint, found.problem)
