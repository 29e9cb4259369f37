"""``lorawrap lora extract``."""

from __future__ import annotations

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
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("extract")
@click.argument("tuned")
@click.argument("base")
@out_options
@rank_options
@click.option(
    "--min-diff",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Leave layers out in which no number differs by more than this.",
)
@precision_option("Of the LoRA.", "fp16")
def command(
    tuned: str,
    base: str,
    out: Path,
    dry_run: bool,
    force: bool,
    min_diff: float,
    precision: str,
    **given: Any,
) -> None:
    """Make a LoRA of the difference between two models.

    TUNED and BASE are .safetensors files or diffusers folders of one architecture, each read one tensor at
    a time. Layers that are the same are left out; convolutions are, too, unless --conv-rank is given.
    """
    from dataset_tools.progress import progress
    from wrapper.lora_tools.bases.into_base import named_base
    from wrapper.lora_tools.making.extracting import extract, plan_extract
    from wrapper.lora_tools.making.lora_metadata import extracted_metadata
    from wrapper.lora_tools.making.result import file_bytes
    from wrapper.lora_tools.output import check_output

    if given["rank"] is None:
        raise click.UsageError("Give --rank: the most ranks that a layer gets.")
    rule = rank_rule(**given)
    models = named_base(tuned), named_base(base)
    check_output(out, [model.path for model in models], force)
    plan = plan_extract(*models, rule, min_diff)
    if dry_run:
        shapes = {name: plan.base.layers[name].weight_shape for name in plan.layers}
        ranks = plan.most_ranks()
        show_plan(f"{shown(out)} at most", ranks, file_bytes(ranks, shapes, precision))
        return
    with progress("tensors compared", plan.steps) as bar:
        done = extract(plan, precision, bar.advance)
    told = extracted_metadata(models[0], models[1], out.stem, done.result.network())
    digest = done.result.write(out, told)
    show_energies(done.energies)
    _show_others(done.others)
    show_result(out, done.result, digest, precision)


def _show_others(others: Sequence[str]) -> None:
    from dataset_tools.wording import count_of

    if others:
        differ = count_of(len(others), "tensor differs", "tensors differ")
        click.secho(f"  {differ} that this LoRA does not carry, such as {others[0]}", fg="yellow")
