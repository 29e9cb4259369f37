"""QC with its reports: of a project's manifest, or of any pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from dataset_tools.wording import count_of

if TYPE_CHECKING:
    from dataset_tools.manifests.manifest import Manifest
    from dataset_tools.quality.engines import Engine
    from dataset_tools.quality.qc import Pictures, QcRecord, Thresholds
    from wrapper.project.load import Project

SHOWN = 20
_COLOURS = {"OK": "green", "WARN": "yellow", "REJECT": "red"}


class Means(NamedTuple):
    """How the pictures are measured: by so many ``workers``, or on the Ray cluster at an address.

    ``cached``: whether what was measured before is taken over, and what is measured now is kept.
    """

    workers: int | None = None
    ray: str | None = None
    cached: bool = True

    def engine(self, pictures: int) -> Engine:
        from dataset_tools.quality.engines.processes import by_processes, worker_count

        if self.ray is None:
            return by_processes(self.workers or worker_count(pictures))
        from dataset_tools.quality.engines.cluster import by_cluster

        return by_cluster(self.ray, self.workers)


def inspect_project(project: Project) -> None:
    """Inspect the manifest's images by the project's thresholds into ``qc/``, and tell the result."""
    from dataset_tools.manifests.manifest import read_manifest
    from dataset_tools.quality.qc import load_thresholds

    file = project.settings
    manifest = read_manifest(project.path(file.manifest.path), file.manifest.defaults)
    inspect(manifest, load_thresholds(file.qc.preset, file.qc.thresholds), project.paths.qc, Means())


def inspect(
    source: Manifest | Path,
    thresholds: Thresholds,
    out: Path,
    means: Means,
    begin: Callable[[], None] = lambda: None,
) -> int:
    """Inspect a folder's or a manifest's pictures, write the reports into ``out``, and tell the result.

    ``begin`` is called before the first file is written, when there are pictures. Returns how many are not
    rejected.
    """
    from dataset_tools.quality.measured_store import CACHE
    from dataset_tools.quality.page.page import page
    from dataset_tools.quality.page.thumbnails import FOLDER
    from dataset_tools.quality.qc import inspection, pictures_in
    from dataset_tools.quality.qc_report import reports

    pictures, tally = pictures_in(source), Tally()
    _tell_skipped(pictures)
    begin()
    kept = {"cache": out / CACHE if means.cached else None, "thumbnails": out / FOLDER}
    with inspection(pictures, thresholds, means.engine(pictures.count), **kept) as records:
        with reports(out) as report, page(thresholds, pictures.root, out, pictures.count) as show:
            for record in records:
                for add in (report, show, tally.add):
                    add(record)
        tally.taken_over = records.taken_over
    _tell(tally, out)
    return tally.statuses.total() - tally.statuses["REJECT"]


def forecast(source: Manifest | Path, out: Path, means: Means) -> None:
    """Tell what `inspect` would do; nothing is read but the file system, and nothing is written."""
    from dataset_tools.quality.collecting import unchanged
    from dataset_tools.quality.measured_store import CACHE
    from dataset_tools.quality.page.thumbnails import FOLDER
    from dataset_tools.quality.qc import pictures_in

    pictures, cache = pictures_in(source), out / CACHE
    _tell_skipped(pictures)
    known = unchanged(pictures.all(), cache, out / FOLDER) if means.cached and cache.is_file() else 0
    where = f"on the Ray cluster at {means.ray}" if means.ray else "on this machine"
    click.echo(f"{count_of(pictures.count, 'picture')}; {pictures.count - known} would be measured {where}")
    if known:
        click.echo(f"{known} are as they were when they were measured")
    click.echo(f"the reports would be written in {out}; nothing was measured or written now")


def _tell_skipped(pictures: Pictures) -> None:
    from dataset_tools.quality.qc_report import readable

    if pictures.skipped:
        names = ", ".join(readable(name) for name in pictures.skipped[:5])
        more = ", …" if len(pictures.skipped) > 5 else ""
        said = f"skipped {len(pictures.skipped)} files that are hidden, no pictures, or masks of pictures"
        click.echo(f"{said}: {names}{more}")


@dataclass
class Tally:
    """Counts by status and by reason, the first rejected pictures, and how many were known before."""

    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    rejected: list[QcRecord] = field(default_factory=list)
    taken_over: int = 0

    def add(self, record: QcRecord) -> None:
        self.statuses[record.status] += 1
        self.codes.update({reason.code for reason in record.reasons})
        if record.status == "REJECT" and len(self.rejected) < SHOWN:
            self.rejected.append(record)


def _tell(tally: Tally, out: Path) -> None:
    """The counts, then the rejected pictures, and where the rest is."""
    from dataset_tools.quality.page.page import PAGE
    from dataset_tools.quality.qc_report import CSV, JSONL, readable

    if tally.taken_over:
        click.echo(f"{tally.taken_over} of {tally.statuses.total()} were measured in an earlier run")
    for status, colour in _COLOURS.items():
        click.echo(f"{click.style(f'{status:<8}', fg=colour)}{tally.statuses[status]:>7}")
    for code, count in tally.codes.most_common():
        click.echo(f"  {code:<12}{count:>5}")
    for record in tally.rejected:
        why = "; ".join(reason.message for reason in record.reasons)
        click.echo(f"REJECT {readable(record.path)}: {readable(why)}")
    more = tally.statuses["REJECT"] - len(tally.rejected)
    if more:
        click.echo(f"and {more} more rejected, see {out / PAGE}")
    click.echo(f"wrote {JSONL}, {CSV} and {PAGE} in {out}")
