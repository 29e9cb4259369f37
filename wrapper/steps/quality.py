"""QC of a project's manifest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from wrapper.project.load import Project


def inspect_project(project: Project) -> None:
    """Inspect the manifest's images by the project's thresholds into ``qc/``, and print what is rejected."""
    from dataset_tools.manifests.manifest import read_manifest
    from dataset_tools.quality.qc import inspect_manifest, load_thresholds
    from dataset_tools.quality.qc_report import readable, write_reports

    file = project.settings
    manifest = read_manifest(project.path(file.manifest.path), file.manifest.defaults)
    records = inspect_manifest(manifest, load_thresholds(file.qc.preset, file.qc.thresholds))
    write_reports(records, project.paths.qc)
    statuses = Counter(record.status for record in records)
    click.echo(", ".join(f"{statuses[status]} {status}" for status in ("OK", "WARN", "REJECT")))
    for record in records:
        if record.status == "REJECT":
            why = "; ".join(reason.message for reason in record.reasons)
            click.echo(f"  REJECT {readable(record.path)}: {readable(why)}")
