"""QC with its reports: of a project's manifest, or of any pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dataset_tools.manifests.manifest import Manifest
    from dataset_tools.quality.qc import QcRecord, Thresholds
    from wrapper.project.load import Project

SHOWN = 20
_COLOURS = {"OK": "green", "WARN": "yellow", "REJECT": "red"}


def inspect_project(project: Project) -> None:
    """Inspect the manifest's images by the project's thresholds into ``qc/``, and tell the result."""
    from dataset_tools.manifests.manifest import read_manifest
    from dataset_tools.quality.qc import load_thresholds

    file = project.settings
    manifest = read_manifest(project.path(file.manifest.path), file.manifest.defaults)
    inspect(manifest, load_thresholds(file.qc.preset, file.qc.thresholds), project.paths.qc)


def inspect(source: Manifest | Path, thresholds: Thresholds, out: Path, workers: int | None = None) -> None:
    """Inspect a folder's or a manifest's pictures, write the reports into ``out``, and tell the result."""
    from dataset_tools.quality.page.page import write_page
    from dataset_tools.quality.page.thumbnails import FOLDER
    from dataset_tools.quality.qc import inspect_folder, inspect_manifest
    from dataset_tools.quality.qc_report import write_reports

    thumbnails = out / FOLDER
    if isinstance(source, Path):
        pictures, records = source, inspect_folder(source, thresholds, workers, thumbnails)
    else:
        pictures, records = source.root, inspect_manifest(source, thresholds, workers, thumbnails)
    write_reports(records, out)
    write_page(records, thresholds, pictures, out)
    _tell(records, out)


def _tell(records: Sequence[QcRecord], out: Path) -> None:
    """Counts by status and by reason, then the rejected pictures, and where the rest is."""
    from dataset_tools.quality.page.page import PAGE
    from dataset_tools.quality.qc_report import CSV, JSONL, readable

    statuses = Counter(record.status for record in records)
    for status, colour in _COLOURS.items():
        click.echo(f"{click.style(f'{status:<8}', fg=colour)}{statuses[status]:>7}")
    codes = Counter(code for record in records for code in {reason.code for reason in record.reasons})
    for code, count in codes.most_common():
        click.echo(f"  {code:<12}{count:>5}")
    rejected = [record for record in records if record.status == "REJECT"]
    for record in rejected[:SHOWN]:
        why = "; ".join(reason.message for reason in record.reasons)
        click.echo(f"REJECT {readable(record.path)}: {readable(why)}")
    if len(rejected) > SHOWN:
        click.echo(f"and {len(rejected) - SHOWN} more rejected, see {out / PAGE}")
    click.echo(f"wrote {JSONL}, {CSV} and {PAGE} in {out}")
