"""``lorawrap lora resize``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.lora_making import (
    measure_options,
    out_options,
    precision_option,
    rank_options,
    rank_rule,
    show_energies,
    show_plan,
    show_result,
    shown,
    size,
)

if TYPE_CHECKING:
    from wrapper.lora_tools.making.opened import OpenedLora
    from wrapper.lora_tools.maths.ranks import RankRule


@click.command("resize")
@click.argument("file", type=click.Path(path_type=Path))
@out_options
@rank_options
@measure_options
@precision_option("Of the new file.", "fp16")
def command(file: Path, out: Path, dry_run: bool, force: bool, precision: str, **ranks: Any) -> None:
    """Bring a LoRA to a lower rank: the best approximation of each layer, by SVD.

    By --rank, by how much is to be kept (--energy, or sd-scripts' measures), or by both: then --rank is the
    most that a layer gets, and layers differ. A rank is never raised. FILE stays as it is.
    """
    from wrapper.lora_tools.making.opened import open_lora
    from wrapper.lora_tools.output import check_output

    rule = rank_rule(**ranks)
    check_output(out, [file], force)
    with ExitStack() as stack:
        _resize(open_lora(file, stack), rule, out, precision, dry_run)


def _resize(lora: OpenedLora, rule: RankRule, out: Path, precision: str, dry_run: bool) -> None:
    from dataset_tools.progress import progress
    from wrapper.lora_tools.making.lora_metadata import changed_metadata
    from wrapper.lora_tools.making.resizing import most_ranks, resize
    from wrapper.lora_tools.making.result import file_bytes, told_ranks

    for note in lora.notes:
        click.secho(f"  {note}", fg="yellow")
    most, before = most_ranks(lora, rule), size(lora.use.path.stat().st_size)
    if dry_run:
        show_plan(f"{shown(out)} ({before} before)", most, file_bytes(most, lora.shapes, precision))
        return
    with progress("layers", len(most)) as bar:
        result, energies = resize(lora, rule, precision, bar.advance)
    comment = f"resized from {told_ranks(lora.ranks.values())} to {told_ranks(result.ranks.values())}"
    told = changed_metadata(lora.metadata, lora.kind, out.stem, result.network(), comment)
    digest = result.write(out, told)
    show_energies(energies)
    click.echo(f"  {before} before, {size(out.stat().st_size)} now")
    show_result(out, result, digest, precision)
