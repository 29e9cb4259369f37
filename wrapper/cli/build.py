"""``lorawrap build``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import hold, in_project, next_step, open_project, project_options

if TYPE_CHECKING:
    from dataset_tools.building.build import BuildPlan
    from dataset_tools.building.dataset import BuiltDataset

SHOWN_REFUSALS = 20


@click.command("build")
@project_options
@click.option("--dry-run", is_flag=True, help="Show what would be built; write nothing.")
def command(project: Path, overrides: tuple[str, ...], dry_run: bool) -> None:
    """Crop, mask, caption and balance the images that passed QC into Kohya folders."""
    from dataset_tools.building.build import apply, up_to_date
    from wrapper.steps.dataset import plan_dataset

    opened = open_project(project, overrides)
    opened.refuse_borrowed("build")
    folder = opened.paths.dataset
    if not dry_run:
        hold(opened, writes=["dataset"], reads=["qc"])
    planned = plan_dataset(opened, generate=not dry_run)
    current = up_to_date(planned, folder)
    if not dry_run:
        apply(planned, folder)
    click.echo("\n".join(summary(planned)))
    if dry_run:
        if opened.settings.regularisation.source == "generate" and opened.settings.stage_a.enabled:
            click.echo("Class images would be generated; they are not in this table.")
        click.echo("Nothing was written: this was a dry run.")
        next_step(f"lorawrap build{in_project(project)}")
        return
    click.echo(f"{folder}: {'nothing changed, nothing was written' if current else 'written'}.")
    next_step(f"lorawrap render{in_project(project)}")


def summary(planned: BuildPlan) -> Iterator[str]:
    """The plan as lines of text: a table a stage, held out, left out, and notes."""
    built = planned.built
    for stage in built.stages:
        yield from _stage_lines(built, stage)
    yield _held_out_line(built)
    yield from _refused_lines(built)
    for note in planned.notes:
        yield click.style("note: ", fg="yellow") + note


def _stage_lines(built: BuiltDataset, stage: str) -> Iterator[str]:
    from dataset_tools.wording import count_of

    found = built.balance[stage]
    total = sum(found["images"].values())
    rows = [("bucket", "images", "× repeats", "= an epoch", "share", "wanted")]
    for subset in built.stages[stage]:
        if subset.is_reg:
            rows.append((subset.bucket, str(subset.images), "× 1", str(subset.images), "", ""))
            continue
        images = found["images"][subset.bucket]
        share, wanted = images / total, found["wanted"][subset.bucket]
        numbers = (
            str(subset.images),
            f"× {subset.num_repeats}",
            str(images),
            f"{share:.1%}",
            f"{wanted:.1%}",
        )
        rows.append((subset.bucket, *numbers))
    title = {"stage_a": "Stage A", "stage_b": "Stage B"}[stage]
    yield click.style(
        f"{title}: {count_of(total, 'image')} an epoch, imbalance {found['imbalance']:.1%}", bold=True
    )
    yield from table(rows)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of text in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()


def _held_out_line(built: BuiltDataset) -> str:
    from dataset_tools.wording import count_of

    views = Counter(held.view for held in built.holdout)
    by_view = ", ".join(f"{view} {count}" for view, count in sorted(views.items()))
    return f"Held out: {count_of(len(built.holdout), 'image')}" + (f" ({by_view})" if by_view else "")


def _refused_lines(built: BuiltDataset) -> Iterator[str]:
    from dataset_tools.wording import count_of

    yield f"Left out: {count_of(len(built.refused), 'image')}"
    yield from (f"  {refused.image}: {refused.reason}" for refused in built.refused[:SHOWN_REFUSALS])
    if len(built.refused) > SHOWN_REFUSALS:
        yield f"  and {len(built.refused) - SHOWN_REFUSALS} more, all of them in dataset/dataset.json"
