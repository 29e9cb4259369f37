"""What `lora merge`, `resize` and `extract` share: options, rank rules, and how a result is shown."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wrapper.cli.options import next_step

if TYPE_CHECKING:
    from wrapper.lora_tools.making.result import LoraResult
    from wrapper.lora_tools.maths.energies import Energies
    from wrapper.lora_tools.maths.ranks import RankRule

F = TypeVar("F", bound=Callable[..., Any])
_RANK = click.IntRange(1, 4096)
_SHARE = click.FloatRange(0, 1, min_open=True)

_RANKS = (
    click.option("--rank", type=_RANK, help="The most ranks that a layer gets."),
    click.option("--conv-rank", type=_RANK, help="The same for convolutions larger than one pixel."),
)
_ENERGY = click.option(
    "--energy", type=_SHARE, help="Keep as many ranks as hold this share of a layer's energy, Σσ², e.g. 0.95."
)
_SINGULAR = (
    click.option("--sv-fro", type=_SHARE, help="The same by the Frobenius norm: an energy of this squared."),
    click.option("--sv-cumulative", type=_SHARE, help="The same by the sum of the singular values."),
    click.option(
        "--sv-ratio",
        type=click.FloatRange(1, min_open=True),
        help="Keep singular values above the largest divided by this.",
    ),
)
_OUT = (
    click.option("--out", required=True, type=click.Path(path_type=Path), help="The new file."),
    click.option("--dry-run", is_flag=True, help="Only show what would be made."),
    click.option("--force", is_flag=True, help="Write over --out when it is there."),
)


def rank_options(function: F) -> F:
    """Add ``--rank --conv-rank --energy``."""
    return _with((*_RANKS, _ENERGY), function)


def measure_options(function: F) -> F:
    """Add ``--sv-fro --sv-cumulative --sv-ratio``, sd-scripts' measures."""
    return _with(_SINGULAR, function)


def out_options(function: F) -> F:
    """Add ``--out --dry-run --force``."""
    return _with(_OUT, function)


def precision_option(help_text: str, default: str | None) -> Callable[[F], F]:
    """Add ``--precision fp16|bf16|fp32``."""
    choice = click.Choice(["fp16", "bf16", "fp32"])
    return click.option(
        "--precision", type=choice, default=default, show_default=default or False, help=help_text
    )


def _with(options: tuple[Callable[[F], F], ...], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def rank_rule(rank: int | None, conv_rank: int | None, **measures: float | None) -> RankRule:
    """The rule that the options name. Raises `click.UsageError` for two measures, or nothing at all."""
    from wrapper.lora_tools.maths.ranks import RankRule

    given = {name: target for name, target in measures.items() if target is not None}
    if len(given) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{names} are two measures of the same: give one.")
    if not given and rank is None:
        raise click.UsageError("Give --rank, or how much is to be kept, such as --energy 0.95.")
    measure, target = next(iter(given.items()), (None, 1.0))
    return RankRule(rank, conv_rank, measure, target)  # type: ignore[arg-type]


def show_plan(what: str, ranks: Mapping[str, int], bytes_: int) -> None:
    """What a dry run says: modules, ranks and the size of the file."""
    from dataset_tools.wording import count_of
    from wrapper.lora_tools.making.result import told_ranks

    told = told_ranks(ranks.values())
    click.echo(f"would make {what}: {count_of(len(ranks), 'module')}, {told}, about {size(bytes_)}")
    next_step("the same command without --dry-run")


def show_result(out: Path, result: LoraResult, digest: str, precision: str) -> None:
    """What was made, and what to do with it."""
    from dataset_tools.wording import count_of
    from wrapper.lora_tools.making.result import told_ranks

    told = f"{count_of(len(result.ranks), 'module')}, {told_ranks(result.ranks.values())}, {precision}"
    click.secho(f"wrote {shown(out)}: {told}", fg="green")
    click.echo(f"  {size(out.stat().st_size)}, AutoV2 {digest[:10]}")
    click.echo(f"  rounding to {precision} changed it by {result.rounding:.2g} of its norm")
    quoted = shlex.quote(str(out))
    next_step(f"lorawrap lora info {quoted}, or lorawrap export {quoted} --to a1111 --dest DIR")


def show_energies(energies: Energies) -> None:
    """A row for each block: modules, ranks, energy kept."""
    click.echo(f"  {'block':<8} {'modules':>7}  {'rank':>9}  energy kept")
    for row in energies.by_block():
        low, high = row.ranks
        ranks = f"{low}" if low == high else f"{low} to {high}"
        click.echo(f"  {row.block:<8} {row.modules:>7}  {ranks:>9}  {row.kept.share:.2%}")
    click.echo(f"  {'all':<8} {len(energies.modules):>7}  {'':>9}  {energies.share:.2%}")


def size(count: int) -> str:
    """``37_861_176`` → ``37.9 MB``."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def shown(path: Path) -> str:
    """A path as plain text, whatever its name holds."""
    from dataset_tools.printable import one_line

    return one_line(str(path), 400)
