"""Carry out a plan: the whole dataset folder appears at once, or nothing changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from dataset_tools.building.build_plan import plan
from dataset_tools.building.build_settings import BuildPlan, BuildSettings, PlannedImage, buckets_for
from dataset_tools.building.dataset import RECORD_FILE, BuiltDataset, read_dataset, write_dataset
from dataset_tools.building.leftovers import clear_leftovers
from dataset_tools.building.making import Making, files_of, make
from dataset_tools.building.overview import OVERVIEW_FILE, write_overview
from dataset_tools.building.ownership import earlier_files, noted, write_ownership
from dataset_tools.building.recipes import Earlier, all_recipes, moved
from dataset_tools.building.written_files import Written
from dataset_tools.files import whole_folder
from dataset_tools.progress import progress
from dataset_tools.system.processors import usable

__all__ = ["BuildPlan", "BuildSettings", "apply", "plan", "up_to_date"]
MAX_WORKERS = 8
WAITING_PER_WORKER = 4


def apply(planned: BuildPlan, folder: Path) -> BuiltDataset:
    """Write ``folder`` as planned and return its record; when it is up to date nothing is written.

    Files that the build before made from the same are taken over by hard link, inode and time as they were.
    Raises `UserError` when the folder holds files that are not a build's own, when an image changed since QC,
    and when a mask comes out empty. What a killed build left is cleared away first.
    """
    clear_leftovers(folder)
    if up_to_date(planned, folder):
        return read_dataset(folder)
    written = earlier_files(folder, (image.source for image in planned.images))
    earlier = Earlier(folder, written, moved(planned, written))
    with whole_folder(folder) as new:
        buckets = buckets_for(planned.built.size, planned.built.shape)
        _write_images(planned.images, Making(new, buckets, planned.dilate_px, earlier))
        write_dataset(new, planned.built)
        write_overview(planned.built, new)
        write_ownership(new, _notes(planned, earlier, new))
    return planned.built


def up_to_date(planned: BuildPlan, folder: Path) -> bool:
    """Whether ``folder`` was built from exactly this plan and still has all its files."""
    if not (folder / RECORD_FILE).is_file() or read_dataset(folder).key != planned.built.key:
        return False
    return all((folder / path).is_file() for image in planned.images for path in files_of(image))


def _notes(planned: BuildPlan, earlier: Earlier, folder: Path) -> Iterator[tuple[str, Written]]:
    """Every file of the build; what was taken over is not read again."""
    for name, recipe in all_recipes(planned):
        same = earlier.same(name, recipe)
        yield name, noted(folder / name, recipe, earlier.written[same].sha256 if same else "")
    for name in (RECORD_FILE, OVERVIEW_FILE):
        if (folder / name).is_file():
            yield name, noted(folder / name)


def _write_images(images: Sequence[PlannedImage], making: Making) -> None:
    """Decoding, resizing and PNG compression leave Python's lock, so threads do them side by side."""
    by_model = any(image.mask and image.mask.source == "sam" for image in images)
    workers = 1 if by_model else min(MAX_WORKERS, usable())
    waiting: deque[Future[None]] = deque()
    with progress("Building", len(images)) as bar, ThreadPoolExecutor(workers) as pool:
        try:
            for image in images:
                waiting.append(pool.submit(make, image, making))
                if len(waiting) > workers * WAITING_PER_WORKER:
                    waiting.popleft().result()
                    bar.advance()
            while waiting:
                waiting.popleft().result()
                bar.advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
