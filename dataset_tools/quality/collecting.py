"""Every picture of a run → a row of the store: taken over where it was measured before, else measured."""

from __future__ import annotations

import os
import time
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from dataset_tools.errors import Problems, UserError
from dataset_tools.known_contents import Stamp, stamp_of
from dataset_tools.pictures.inspected import read_picture
from dataset_tools.progress import Bar, progress
from dataset_tools.quality.engines import Engine, measured_here
from dataset_tools.quality.measure import Box
from dataset_tools.quality.measured_store import KEEP_EVERY_S, MeasuredStore, measured_store
from dataset_tools.quality.measuring import Facts, Measured, Task
from dataset_tools.quality.page.thumbnails import save_thumbnail, thumbnail_name

NO_ROW = -1
FEW = 16
"""So many contents are sent along with a picture to be told from, not more."""
DRIVE_HINT = (
    "Look at the drive: its cable, its mount, its health. QC goes on from what it has measured. "
    "Where this file alone is lost, take it out."
)
GONE_HINT = "Where its drive was taken away, bring it back: QC goes on from what it has measured."


class Picture(NamedTuple):
    """A picture of the run, by the ``name`` in its record."""

    name: str
    path: Path
    box: Box | None = None
    mask: Path | None = None
    is_ear: bool = False


class Collected:
    """The row of each picture; ``unread``: what hinders those without one, by place."""

    def __init__(self, count: int) -> None:
        self.rows = array("q", [NO_ROW]) * count
        self.unread: dict[int, Facts] = {}
        self.taken_over = 0


class _Sent(NamedTuple):
    """What has to be known of a picture when its measures come back."""

    picture: Picture
    stamp: Stamp | None
    mask_stamp: Stamp | None


class Collector:
    """One run's way through its pictures."""

    def __init__(self, store: MeasuredStore, engine: Engine, thumbnails: Path | None) -> None:
        self._store, self._engine, self._thumbnails = store, engine, thumbnails
        self._sent: dict[int, _Sent] = {}
        self._back: deque[tuple[Task, Measured]] = deque()
        self._gone: list[Path] = []
        self._kept_at = time.monotonic()
        self._last_before = 0
        """Rows after this one are of this run."""

    def known_row(self, picture: Picture, stamp: Stamp | None, subject: str | None) -> int | None:
        """The row of a picture whose file, and whose mask, are as they were when it was measured."""
        content = self._store.contents.known(picture.path, stamp)
        return self._row(content, subject, picture) if content and subject is not None else None

    def collect(self, pictures: Iterable[Picture], count: int, source: Path) -> Collected:
        """Measure what is new. UserError for what the manifest ``source`` says and cannot be.

        And for pictures that are taken away meanwhile, or that their drive does not give: on one that is gone
        all would be rejected.
        """
        found, problems = Collected(count), Problems()
        self._store.forget_older()
        self._last_before = self._store.last_row()
        with progress("qc", count) as bar:
            try:
                for task, measured in self._engine(self._tasks(pictures, found, bar)):
                    if measured.drive:
                        raise UserError(measured.drive, DRIVE_HINT)
                    if measured.problem:
                        problems.add(f"{source} ({self._sent[task.place].picture.name})", measured.problem)
                    self._back.append((task, measured))
                    self._keep(found)
                    bar.advance()
            finally:
                self._keep(found, at_once=True)
        problems.raise_if_any()
        if self._gone:
            more = f" (and {len(self._gone) - 1} more)" if len(self._gone) > 1 else ""
            raise UserError(f"{self._gone[0]}: was there when QC began, and is gone{more}.", GONE_HINT)
        return found

    def _tasks(self, pictures: Iterable[Picture], found: Collected, bar: Bar) -> Iterator[Task]:
        """What has to be measured; the rest is taken over on the way."""
        for place, picture in enumerate(pictures):
            stamp = stamp_of(picture.path)
            mask_stamp = stamp_of(picture.mask) if picture.mask else None
            subject = self.subject(picture, mask_stamp)
            row = self.known_row(picture, stamp, subject)
            if row is not None:
                found.rows[place] = row
                found.taken_over += row <= self._last_before
                bar.advance()
                continue
            self._sent[place] = _Sent(picture, stamp, mask_stamp)
            yield self._task(place, picture, stamp, subject)

    def _task(self, place: int, picture: Picture, stamp: Stamp | None, subject: str | None) -> Task:
        known: tuple[str, ...] = ()
        if stamp is not None and subject is not None:
            perhaps = self._perhaps(picture, stamp.size, subject)
            known = tuple(one for one in perhaps if self._row(one, subject, picture) is not None)
        wants_thumbnail = self._thumbnails is not None
        return Task(place, picture.path, picture.box, picture.mask, wants_thumbnail, known)

    def _perhaps(self, picture: Picture, size: int, subject: str) -> tuple[str, ...]:
        """The contents that a picture of that size may have, of those measured.

        Pictures that are not compressed are all of one size: where many have it, the picture is read to tell.
        """
        known = self._store.of_size(size, subject, FEW + 1)
        if len(known) <= FEW:
            return known
        try:
            return (sha256(read_picture(picture.path)).hexdigest(),)
        except UserError:
            return ()

    def _row(self, content: str, subject: str, picture: Picture) -> int | None:
        """The row of a content that was measured, if its small copy is there too."""
        found = self._store.find(content, subject)
        if found is None:
            return None
        row, is_picture = found
        if (
            is_picture
            and self._thumbnails
            and not (self._thumbnails / thumbnail_name(picture.name)).is_file()
        ):
            return None
        return row

    def subject(self, picture: Picture, mask_stamp: Stamp | None) -> str | None:
        """What the measures hang on beside the content, or None while the mask is unknown."""
        mask = self._store.contents.known(picture.mask, mask_stamp) if picture.mask else ""
        return None if mask is None else subject_of(picture, mask)

    def _keep(self, found: Collected, *, at_once: bool = False) -> None:
        """Write down what came back, now and then all at once: no one has to wait for a slow file."""
        if not at_once and time.monotonic() - self._kept_at < KEEP_EVERY_S:
            return
        while self._back:
            task, measured = self._back[0]
            self._keep_one(task, measured, self._sent[task.place], found)
            del self._sent[task.place]
            self._back.popleft()
        self._store.commit()
        self._kept_at = time.monotonic()

    def _keep_one(self, task: Task, measured: Measured, sent: _Sent, found: Collected) -> None:
        if measured.thumbnail and self._thumbnails:
            save_thumbnail(measured.thumbnail, self._thumbnails / thumbnail_name(sent.picture.name))
        if not measured.content:
            found.unread[task.place] = measured.facts or Facts()
            if not os.path.lexists(task.path):
                self._gone.append(task.path)
            return
        contents = self._store.contents
        contents.note(task.path, sent.stamp, measured.content)
        if task.mask and measured.mask_content:
            contents.note(task.mask, sent.mask_stamp, measured.mask_content)
        if measured.facts is None:
            subject = self.subject(sent.picture, sent.mask_stamp)
            row = self._store.find(measured.content, subject or "")
            assert row is not None
            found.rows[task.place] = row[0]
            found.taken_over += row[0] <= self._last_before
            return
        size = sent.stamp.size if sent.stamp else 0
        subject = subject_of(sent.picture, measured.mask_content)
        found.rows[task.place] = self._store.add(measured, subject, size)


def subject_of(picture: Picture, mask_content: str) -> str:
    """The box and the mask that the subject is told by, as a key."""
    return f"{list(picture.box)} {mask_content}" if picture.box else mask_content


def unchanged(pictures: Iterable[Picture], cache: Path, thumbnails: Path) -> int:
    """How many pictures are as they were when they were measured into ``cache``; nothing is written."""
    with measured_store(cache) as store:
        known = Collector(store, measured_here, thumbnails)
        return sum(
            known.known_row(
                one, stamp_of(one.path), known.subject(one, stamp_of(one.mask) if one.mask else None)
            )
            is not None
            for one in pictures
        )
