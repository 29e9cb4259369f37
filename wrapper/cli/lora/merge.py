"""``lorawrap lora merge``."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.lora_making import (
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
from wrapper.cli.options import next_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wrapper.lora.apply import LoraUse
    from wrapper.lora_tools.making.merging import Merge


@click.command("merge")
@click.argument("loras", nargs=-1, required=True, metavar="FILE[:WEIGHT[:TE_WEIGHT]]...")
@out_options
@click.option(
    "--into",
    metavar="BASE",
    help="Merge them into this base model (a .safetensors file or a diffusers folder), not with each other.",
)
@rank_options
@precision_option("Of the new file; fp16 for a LoRA, for a base as its own weights are.", None)
def command(
    loras: tuple[str, ...], into: str | None, out: Path, dry_run: bool, force: bool, **given: Any
) -> None:
    """Join LoRAs with weights, into one LoRA or into a base model.

    Exact without --rank: the ranks stand beside each other. With --rank or --energy the sum is brought to
    the best approximation of that rank. Weights may be negative; TE_WEIGHT is for the text encoders. The
    files that are read stay as they are.
    """
    from wrapper.lora_tools.making.weights import parse_weighted

    uses = [parse_weighted(text) for text in loras]
    precision, ranks = given.pop("precision"), given
    if into is None:
        _merge_loras(uses, out, dry_run, force, precision or "fp16", ranks)
    elif any(value is not None for value in ranks.values()):
        raise click.UsageError("--rank, --conv-rank and --energy are for LoRAs; a base has none.")
    else:
        _merge_into(into, uses, out, dry_run, force, precision)


def _merge_loras(
    uses: Sequence[LoraUse], out: Path, dry_run: bool, force: bool, precision: str, ranks: dict[str, Any]
) -> None:
    from wrapper.lora_tools.making.merging import plan_merge
    from wrapper.lora_tools.making.opened import open_loras
    from wrapper.lora_tools.output import check_output

    check_output(out, [use.path for use in uses], force)
    rule = rank_rule(**ranks) if any(value is not None for value in ranks.values()) else None
    with ExitStack() as stack:
        plan = plan_merge(open_loras(uses, stack), rule)
        _show_uses(uses, [note for one in plan.loras for note in one.notes])
        if dry_run:
            show_plan(shown(out), plan.most_ranks(), plan.bytes(precision))
        else:
            _write_merge(plan, out, precision)


def _write_merge(plan: Merge, out: Path, precision: str) -> None:
    from dataset_tools.progress import progress
    from wrapper.lora_tools.making.ingredients import ingredient, merged_from
    from wrapper.lora_tools.making.lora_metadata import new_metadata
    from wrapper.lora_tools.making.merging import merge

    with progress("layers", len(plan.ranks)) as bar:
        result, energies = merge(plan, precision, bar.advance)
    metadata = [one.metadata for one in plan.loras]
    told = new_metadata(plan.loras[0].kind, out.stem, result.network(), metadata)
    parents = merged_from([], [ingredient(one.use) for one in plan.loras])
    digest = result.write(out, {**told, **parents})
    if plan.rule:
        show_energies(energies)
    show_result(out, result, digest, precision)


def _merge_into(
    into: str, uses: Sequence[LoraUse], out: Path, dry_run: bool, force: bool, precision: str | None
) -> None:
    from dataset_tools.wording import count_of
    from wrapper.lora_tools.bases.into_base import named_base, plan_into_base
    from wrapper.lora_tools.bases.merged_base import check_replaceable, write_merged_base
    from wrapper.lora_tools.making.result import SAFETENSORS_DTYPES
    from wrapper.lora_tools.output import check_output

    info = named_base(into)
    suffix = ".safetensors" if info.single_file else ""
    check_output(out, [info.path, *(use.path for use in uses)], force, suffix=suffix)
    if not info.single_file:
        check_replaceable(out)
    plan = plan_into_base(info, uses, out, SAFETENSORS_DTYPES[precision] if precision else None)
    _show_uses(uses, [])
    told = f"{count_of(sum(map(len, plan.layers.values())), 'layer')} changed, {size(plan.bytes)}"
    if dry_run:
        click.echo(f"would make {shown(out)}: {told}")
        next_step("the same command without --dry-run")
        return
    write_merged_base(plan)
    click.secho(f"wrote {shown(out)}: {told}", fg="green")
    next_step(f"lorawrap generate --base {shlex.quote(str(out))} --prompt TEXT")


def _show_uses(uses: Sequence[LoraUse], notes: Sequence[str]) -> None:
    for use in uses:
        te = "" if use.te_weight in (None, use.weight) else f", text encoders at {use.te_weight:g}"
        click.echo(f"  {shown(use.path)} at {use.weight:g}{te}")
    for note in notes:
        click.secho(f"  {note}", fg="yellow")
