"""``lorawrap lora edit``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import next_step

if TYPE_CHECKING:
    from wrapper.lora.leaks import Topic
    from wrapper.lora_tools.editing import Change, Edit

SPEC = ("title", "trigger", "author", "license", "description", "usage-hint")
KEYS = {name: f"modelspec.{name.replace('-', '_')}" for name in SPEC} | {
    "trigger": "modelspec.trigger_phrase"
}


@click.command("edit")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The new file; FILE stays as it is.")
@click.option("--set", "values", multiple=True, metavar="KEY=VALUE", help="Set an entry (repeatable).")
@click.option("--remove", multiple=True, metavar="KEY", help="Take an entry out (repeatable).")
@click.option(
    "--strip",
    metavar="TOPICS",
    help="Take out all that tells of its maker: captions, paths, notes, pictures (with commas between), or "
    "all, which leaves only what programs need.",
)
@click.option("--title", help="What the LoRA is called in words.")
@click.option("--trigger", help="The words that call it up.")
@click.option("--author", help="Who made it.")
@click.option("--license", help="Under which licence it may be used.")
@click.option("--description", help="What it does.")
@click.option("--usage-hint", help="How to use it, in a sentence.")
@click.option(
    "--thumbnail", type=click.Path(path_type=Path), help="A picture to be kept within the file, small."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--force", is_flag=True, help="Write over --out when it is there.")
def command(
    file: Path,
    out: Path | None,
    values: tuple[str, ...],
    remove: tuple[str, ...],
    strip: str | None,
    thumbnail: Path | None,
    dry_run: bool,
    force: bool,
    **spec: str | None,
) -> None:
    """Change what a LoRA file says of itself, and take out what should not be published.

    Only metadata change: the tensors are the same bit for bit, and the new file is read back to prove it.
    FILE is any .safetensors file. Entries by which A1111, Forge and diffusers know what it is are kept right.
    """
    from dataset_tools.errors import UserError
    from wrapper.lora_tools.editing import Wish, plan_edit, write_edited
    from wrapper.lora_tools.output import check_output

    told = {KEYS[name.replace("_", "-")]: text for name, text in spec.items() if text is not None}
    wish = Wish({**told, **_picture(thumbnail), **_pairs(values)}, remove, _topics(strip))
    if not (wish.set or wish.remove or wish.strip):
        raise UserError(
            "Nothing is to be changed.", "Give --set, --remove, --strip, --trigger or another option."
        )
    if out is None and not dry_run:
        raise UserError(
            "No place for the new file.", "Give --out FILE, or --dry-run to see what would change."
        )
    if out is not None:
        check_output(out, [file], force)
    edit = plan_edit(file, wish)
    _show(edit)
    if out is None or dry_run:
        next_step("the same command without --dry-run" + (" and with --out FILE" if out is None else ""))
        return
    done = write_edited(edit, out)
    click.secho(f"wrote {_safe(str(out))}: the same tensors, read back", fg="green")
    click.echo(f"  AutoV2 {done.file_hash[:10]}, AutoV3 {done.model_hash[:12]}, legacy {done.legacy_hash}")
    next_step(f"lorawrap lora info {shlex.quote(str(out))}")


def _pairs(values: tuple[str, ...]) -> dict[str, str]:
    from dataset_tools.errors import UserError

    wrong = [value for value in values if "=" not in value]
    if wrong:
        raise UserError(f"--set {wrong[0]}: has no value.", "Write --set KEY=VALUE.")
    return {key.strip(): text for key, _, text in (value.partition("=") for value in values)}


def _picture(path: Path | None) -> dict[str, str]:
    from wrapper.lora_tools.thumbnail import data_url

    return {} if path is None else {"modelspec.thumbnail": data_url(path)}


def _topics(asked: str | None) -> tuple[Topic, ...]:
    from dataset_tools.errors import UserError, did_you_mean
    from wrapper.lora.leaks import TOPICS

    names = [name.strip() for name in asked.split(",") if name.strip()] if asked else []
    wrong = [name for name in names if name not in TOPICS]
    if wrong:
        raise UserError(
            f"--strip {wrong[0]}: there is no such topic. {did_you_mean(wrong[0], TOPICS)}".strip(),
            f"Give some of {', '.join(TOPICS)}.",
        )
    return tuple(topic for topic in TOPICS if topic in names)


def _show(edit: Edit) -> None:
    click.secho(_safe(str(edit.path)), bold=True)
    for change in edit.changes:
        _show_change(change)
    if not edit.changes:
        click.echo("  has nothing of the kind: its metadata stay as they are")
    for note in edit.notes:
        click.secho(f"  {note}", fg="yellow")


def _show_change(change: Change) -> None:
    from wrapper.lora.leaks import gone

    if change.after is None:
        sign, colour, text = "-", "red", _short(change.before)
    elif change.before is None:
        sign, colour, text = "+", "green", _short(change.after)
    elif taken := gone(change.before, change.after):
        sign, colour, text = "~", "yellow", f"without {_short(', '.join(taken))}"
    else:
        sign, colour, text = "~", "yellow", f"{_short(change.before)} → {_short(change.after)}"
    click.echo(f"  {click.style(sign, fg=colour)} {_safe(change.key)}: {text}")


def _short(value: str | None) -> str:
    from dataset_tools.printable import one_line

    return one_line(value or "", 70)


def _safe(text: str) -> str:
    from dataset_tools.printable import one_line

    return one_line(text, 400)
