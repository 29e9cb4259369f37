"""``lorawrap lora convert``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import next_step

if TYPE_CHECKING:
    from wrapper.base_model.kinds import Kind
    from wrapper.lora.spellings.read import OpenLora
    from wrapper.lora_tools.converting import Errors, Piece, Target


@click.command("convert")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice(["kohya", "diffusers", "peft"]),
    help="kohya: for A1111, ComfyUI, Forge and sd-scripts; diffusers: for load_lora_weights; peft: a folder "
    "for each model, for PeftModel.from_pretrained.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The new file; with peft a folder."
)
@click.option(
    "--precision", type=click.Choice(["fp16", "bf16", "fp32"]), help="Of the new file; FILE's own otherwise."
)
@click.option(
    "--for",
    "kind",
    type=click.Choice(["sd15", "sdxl"]),
    help="What base it is for, where FILE does not tell.",
)
@click.option(
    "--transformers",
    type=click.Choice(["4", "5"]),
    default="5",
    show_default=True,
    help="With peft: for which transformers, which name the layers of text encoders differently.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
@click.option("--force", is_flag=True, help="Write over --out when it is there.")
def command(
    file: Path,
    target: Target,
    out: Path,
    precision: str | None,
    kind: Kind | None,
    transformers: str,
    dry_run: bool,
    force: bool,
) -> None:
    """Write a LoRA in another spelling or precision; what it changes stays the same, and is proved.

    FILE is a LoRA of any program for SD 1.5 or SDXL, or a folder as diffusers or PEFT writes it. What cannot
    be converted exactly is named and refused. The new file is read back and held against FILE before it
    counts as done.
    """
    from wrapper.lora_tools.converting import check_folder
    from wrapper.lora_tools.given import lora_files, open_given
    from wrapper.lora_tools.output import check_output

    check_output(out, [file, *lora_files(file)], force, suffix="" if target == "peft" else ".safetensors")
    if target == "peft":
        check_folder(out)
    with open_given(file, kind) as lora:
        _require_finite(file, lora)
        _show_source(file, lora)
        errors = _convert(lora, target, out, precision, transformers == "5", dry_run)
    if dry_run:
        next_step("the same command without --dry-run")
        return
    _show_errors(errors)
    click.secho(f"wrote {_safe(str(out))}: read back, the same change of the weights", fg="green")
    next_step(_what_next(target, out))


def _convert(
    lora: OpenLora, target: Target, out: Path, precision: str | None, flat_clip: bool, dry_run: bool
) -> dict[str, Errors]:
    from dataset_tools.progress import progress
    from wrapper.lora_tools.converting import pieces_of, steps, widened, write_converted

    pieces = pieces_of(lora, target, precision, flat_clip=flat_clip)
    _show_pieces(pieces, out)
    if precision is None and widened(lora, pieces):
        click.secho(
            "  float32, because its own precision would round: --precision fp16 is smaller", fg="yellow"
        )
    if dry_run:
        return {}
    with progress("tensors", steps(lora, pieces)) as bar:
        return write_converted(lora, pieces, out, precision, bar.advance)


def _require_finite(file: Path, lora: OpenLora) -> None:
    from dataset_tools.errors import UserError
    from wrapper.lora.fit import value_faults

    for fault in value_faults(lora.modules()):
        raise UserError(f"{file}: {fault}.", "Take another checkpoint of that training.")


def _show_source(file: Path, lora: OpenLora) -> None:
    from dataset_tools.wording import count_of
    from wrapper.lora.fit import TITLES

    click.secho(_safe(str(file)), bold=True)
    click.echo(f"  {TITLES[lora.kind]}, {lora.spelling} spelling, {count_of(len(lora.modules()), 'module')}")
    for note in lora.notes:
        click.secho(f"  {_safe(note)}", fg="yellow")


def _show_pieces(pieces: list[Piece], out: Path) -> None:
    from dataset_tools.wording import count_of

    for piece in pieces:
        forms = piece.tensors.forms
        where = out / piece.folder if piece.folder else out
        count = sum(form.bytes for form in forms.values())
        held = count_of(len(forms), "tensor")
        click.echo(f"  → {_safe(str(where))}: {held}, {count / 1e6:.4g} MB, '{min(forms)}', …")


def _show_errors(found: dict[str, Errors]) -> None:
    from wrapper.lora_tools.converting import EXACT

    click.echo("  part    modules  largest difference of ΔW")
    for component, errors in found.items():
        exact = "exact" if errors.largest <= EXACT else f"{errors.largest:.1e}, by rounding"
        click.echo(f"  {component:<6}  {errors.modules:>7}  {exact}")


def _what_next(target: Target, out: Path) -> str:
    name = str(out)
    if target == "diffusers":
        return f"pipeline.load_lora_weights({str(out.parent)!r}, weight_name={out.name!r})"
    if target == "peft":
        return f"PeftModel.from_pretrained(pipeline.unet, {str(out / 'unet')!r})"
    return f"lorawrap lora info {shlex.quote(name)}"


def _safe(text: str) -> str:
    from dataset_tools.printable import one_line

    return one_line(text, 400)
