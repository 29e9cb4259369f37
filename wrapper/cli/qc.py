"""``lorawrap qc``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from wrapper.cli.options import hold, hold_place, in_project, next_step, open_project

if TYPE_CHECKING:
    from dataset_tools.manifests.manifest import Manifest
    from dataset_tools.quality.qc import Thresholds
    from wrapper.project.load import Project


class Target(NamedTuple):
    """What to inspect, how strictly, and where the reports go; ``project`` when that is its own place."""

    source: Manifest | Path
    thresholds: Thresholds
    out: Path
    following: str
    project: Project | None = None


@click.command("qc")
@click.argument("source", metavar="[INPUT]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for qc.jsonl, qcreport.csv and report.html; qc when left out.",
)
@click.option("--preset", help="Thresholds: photo (photographs), tiny (64 px drawings).")
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="KEY=VALUE",
    help="One threshold, e.g. --set blur_px_reject=1.5; with a project also a value of lorawrap.toml.",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="the current folder",
    help="Folder with lorawrap.toml, used when there is no INPUT.",
)
@click.option(
    "--workers", type=click.IntRange(1), help="Number of processes, chosen by itself when left out."
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Measure on a Ray cluster: auto, local or HOST:PORT. Its nodes need this program, and the pictures "
    "under the same paths.",
)
@click.option(
    "--cache/--no-cache",
    "cached",
    default=True,
    show_default=True,
    help="Take over what was measured before, by content, and keep what is measured now, in the folder of "
    "the reports.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be measured and written; do neither.")
def command(
    source: Path | None,
    out: Path | None,
    preset: str | None,
    values: tuple[str, ...],
    project: Path,
    workers: int | None,
    ray: str | None,
    cached: bool,
    dry_run: bool,
) -> None:
    """Inspect every picture of INPUT, a folder or a manifest: OK, WARN or REJECT, with reasons.

    Without INPUT, the manifest of the project is inspected, by the project's settings.
    """
    from dataset_tools.files import check_place
    from wrapper.steps.quality import Means, forecast, inspect

    target = _outside(source, out, preset, values) if source else _of_project(project, out, preset, values)
    check_place(target.out)
    means = Means(workers, ray, cached)
    if dry_run:
        forecast(target.source, target.out, means)
        return
    if target.project:
        hold(target.project, writes=["qc"])
    usable = inspect(target.source, target.thresholds, target.out, means, lambda: _hold_place(target))
    next_step(target.following if usable else f"{_open_page(target.out)}: every picture is rejected")


def _hold_place(target: Target) -> None:
    """Outside of a project, keep others from writing the same reports until this command ends."""
    from wrapper.project.layout import CACHE

    if not target.project:
        hold_place(target.out / CACHE, "qc")


def _outside(source: Path, out: Path | None, preset: str | None, values: Sequence[str]) -> Target:
    """A folder or a manifest that belongs to no project."""
    from dataset_tools.manifests.manifest import SUFFIXES, read_manifest
    from dataset_tools.quality.qc import load_thresholds

    thresholds = load_thresholds(preset or "photo", _parsed(values))
    out = out or Path("qc")
    following = _open_page(out)
    if source.suffix.lower() in SUFFIXES and not source.is_dir():
        return Target(read_manifest(source), thresholds, out, following)
    return Target(source, thresholds, out, following)


def _open_page(out: Path) -> str:
    from dataset_tools.quality.page.page import PAGE

    return f"open {shlex.quote(str(out / PAGE))}"


def _of_project(project: Path, out: Path | None, preset: str | None, values: Sequence[str]) -> Target:
    """The manifest and the thresholds that the project names; options lie over them."""
    from dataset_tools.manifests.manifest import read_manifest
    from dataset_tools.quality.qc import load_thresholds

    own = [text for text in values if "." not in text.partition("=")[0]]
    opened = open_project(project, tuple(text for text in values if text not in own))
    if out is None:
        opened.refuse_borrowed("qc")
    settings = opened.settings
    thresholds = load_thresholds(preset or settings.qc.preset, {**settings.qc.thresholds, **_parsed(own)})
    manifest = read_manifest(opened.path(settings.manifest.path), settings.manifest.defaults)
    following = f"lorawrap build{in_project(project)}"
    return Target(manifest, thresholds, out or opened.paths.qc, following, None if out else opened)


def _parsed(values: Sequence[str]) -> dict[str, object]:
    from wrapper.project.load import parse_override

    return dict(parse_override(text) for text in values)
