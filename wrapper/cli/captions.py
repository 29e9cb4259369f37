"""``lorawrap captions``: what the captions of a folder say, whether they are read, and bulk edits."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import hold_place, next_step, stay_on_drive

if TYPE_CHECKING:
    from dataset_tools.captioning.edit import Change, Edits

SHOWN_CHANGES = 10
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("captions")
@click.argument("folder", type=_FOLDER)
@click.option("--find", default="", metavar="TEXT", help="Only lines with TEXT in them.")
@click.option("--drop", multiple=True, metavar="TAG", help="Take a whole tag out, whatever its case.")
@click.option(
    "--replace", nargs=2, multiple=True, metavar="OLD NEW", help="Plain text for plain text, everywhere."
)
@click.option("--prefix", default="", metavar="TEXT", help="Put first where a line does not begin so.")
@click.option("--dry-run", is_flag=True, help="Show every change, before and after, and write nothing.")
@click.option("--no-backup", is_flag=True, help="Keep no originals in FOLDER/.captions.")
@click.option("--suffix", default=".txt", show_default=True, help="What caption files end in.")
@click.option("--trigger", default="", help="A word that every caption has to have.")
@click.option("--tags", "most", type=click.IntRange(0), default=30, show_default=True, help="Tags to list.")
def command(
    folder: Path,
    find: str,
    drop: tuple[str, ...],
    replace: tuple[tuple[str, str], ...],
    prefix: str,
    dry_run: bool,
    no_backup: bool,
    suffix: str,
    trigger: str,
    most: int,
) -> int:
    """Count the tags of the captions in FOLDER, check that each is read in training, and edit them.

    With --drop, --replace or --prefix the captions are edited, in this order. Exit code 2 when a caption
    would not be read.
    """
    from dataset_tools.captioning.caption_files import read_captions
    from dataset_tools.captioning.cut_off import take_back
    from dataset_tools.captioning.edit import KEPT, Edits

    stay_on_drive(folder)
    suffix = suffix if suffix.startswith(".") else f".{suffix}"
    edits = Edits(find, drop, _checked(replace), prefix.strip().rstrip(","))
    if edits.change_something and not dry_run:
        _hold(folder, suffix, keep=not no_backup)
        if taken := take_back(folder / KEPT):
            click.echo(f"an edit was cut off here; captions that were put back first: {taken}", err=True)
    captions = read_captions(folder, suffix)
    if edits.change_something:
        return _edit(folder, captions, edits, dry_run=dry_run, keep=not no_backup)
    _show_tags([text for text in captions.values() if find in text], most)
    return _check(folder, suffix, trigger)


def _hold(folder: Path, suffix: str, *, keep: bool) -> None:
    """Keep builds, trainings and other edits away from these captions until this command ends.

    Outside of every project it is other edits alone, which the folder of the originals tells of; nothing is
    made for it in a folder that has no captions.
    """
    from dataset_tools.captioning.edit import KEPT
    from wrapper.project.layout import CACHE, PROJECT_FILE

    here = folder.resolve()
    project = next((one for one in (here, *here.parents) if (one / PROJECT_FILE).is_file()), None)
    keeps = (folder / KEPT).is_dir() or (keep and any(folder.rglob(f"*{suffix}")))
    if project is None and not keeps:
        return
    hold_place(project / CACHE if project else folder / KEPT, "dataset")


def _checked(replace: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    if not all(old for old, _ in replace):
        raise click.BadParameter("OLD is empty.", param_hint="--replace")
    return replace


def _edit(folder: Path, captions: dict[Path, str], edits: Edits, *, dry_run: bool, keep: bool) -> int:
    from dataset_tools.captioning.edit import apply, plan

    changes = plan(captions, edits)
    _show_changes(folder, changes, len(changes) if dry_run else SHOWN_CHANGES)
    click.echo(f"{len(changes)} of {len(captions)} captions {'would change' if dry_run else 'change'}")
    if dry_run:
        next_step("the same command without --dry-run writes them")
        return 0
    kept = apply(folder, changes, keep=keep)
    if kept:
        click.echo(f"the originals are in {kept}")
    next_step(f"lorawrap captions {shlex.quote(str(folder))}")
    return 0


def _show_changes(folder: Path, changes: Sequence[Change], most: int) -> None:
    for change in changes[:most]:
        click.echo(f"{change.path.relative_to(folder)}")
        click.echo(click.style(f"  - {change.before.strip()}", fg="red"))
        click.echo(click.style(f"  + {change.after.strip()}", fg="green"))
    if len(changes) > most:
        click.echo(f"and {len(changes) - most} more; --dry-run shows all")


def _show_tags(captions: Sequence[str], most: int) -> None:
    from dataset_tools.captioning.caption_files import tag_counts
    from dataset_tools.wording import count_of

    counts = tag_counts(captions)
    for tag, count in counts.most_common(most):
        click.echo(f"{count:>7} {count / len(captions):>5.0%}  {tag}")
    if len(counts) > most:
        click.echo(f"and {count_of(len(counts) - most, 'more tag')}; --tags {len(counts)} lists all")
    click.echo(f"{count_of(len(captions), 'caption')}, {count_of(len(counts), 'tag')}")


def _check(folder: Path, suffix: str, trigger: str) -> int:
    from dataset_tools.wording import count_of
    from wrapper.kohya.caption_folders import check_caption_folders

    findings = check_caption_folders(_folders(folder), suffix, trigger)
    for problem in findings.errors:
        click.secho(f"error: {problem}", fg="red", err=True)
    for problem in findings.warnings:
        click.secho(f"warning: {problem}", fg="yellow", err=True)
    if findings.errors:
        warnings = count_of(len(findings.warnings), "warning")
        click.echo(f"{count_of(len(findings.errors), 'error')}, {warnings}", err=True)
        return 2
    click.echo("every caption is read")
    next_step("edit with --drop, --replace or --prefix; --dry-run shows what would change")
    return 0


def _folders(root: Path) -> Iterable[Path]:
    """The folders below ``root`` that hold images to train on: masks have no captions."""
    from dataset_tools.image_files import image_files
    from dataset_tools.manifests.kohya_tree import MASK_FOLDERS

    folders = dict.fromkeys((root / name).parent for name in image_files(root))
    return [folder for folder in folders if not set(folder.relative_to(root).parts) & set(MASK_FOLDERS)]
