"""``lorawrap lora resize``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    from dataset_tools.progress import progress
    from wrapper.lora_tools.lora_metadata import changed_metadata
    from wrapper.lora_tools.opened import open_lora
    from wrapper.lora_tools.output import check_output
    from wrapper.lora_tools.resizing import most_ranks, resize
    from wrapper.lora_tools.result import file_bytes, told_ranks

    rule = rank_rule(**ranks)
    check_output(out, [file], force)
    lora = open_lora(file)
    for note in lora.notes:
        click.secho(f"  {note}", fg="yellow")
    most = most_ranks(lora, rule)
    if dry_run:
        shapes = {name: lora.shape(name) for name in lora.modules}
        show_plan(
            f"{shown(out)} ({size(file.stat().st_size)} before)", most, file_bytes(most, shapes, precision)
        )
        return
    with progress("layers", len(most)) as bar:
        result, energies = resize(lora, rule, precision, bar.advance)
    before = told_ranks(map(lora.rank, lora.modules))
    comment = f"resized from {before} to {told_ranks(result.ranks.values())}"
    told = changed_metadata(lora.metadata, lora.kind, out.stem, result.network(), comment)
    digest = result.write(out, told)
    show_energies(energies)
    click.echo(f"  {size(file.stat().st_size)} before, {size(out.stat().st_size)} now")
    show_result(out, result, digest, precision)
