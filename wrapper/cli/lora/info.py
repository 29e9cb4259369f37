"""``lorawrap lora info``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import next_step

if TYPE_CHECKING:
    from wrapper.lora_tools.facts.info import LoraInfo
    from wrapper.lora_tools.facts.takers import Verdict
    from wrapper.lora_tools.facts.training_facts import Row


@click.command("info")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON list, with the norms of every module.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the norms by block, every FILE on the same scale: .png, .svg or .html.",
)
@click.option("--quick", is_flag=True, help="Read the header alone: no hashes, no norms.")
@click.option("--all", "show_all", is_flag=True, help="Show every entry of the metadata too.")
@click.option("--force", is_flag=True, help="Write over --picture when it is there.")
def command(
    files: tuple[Path, ...],
    as_json: bool,
    picture: Path | None,
    quick: bool,
    show_all: bool,
    force: bool,
) -> None:
    """All about LoRA files: architecture, ranks, trigger, training, norms, hashes, and what they betray.

    The norm of a module is how strongly it changes its layer at weight 1. Files of other kinds are named.
    """
    from dataset_tools.errors import Problems, UserError
    from wrapper.lora_tools.facts.info import look_at
    from wrapper.lora_tools.norms.norms_picture import check_picture, draw_norms

    if picture is not None:
        check_picture(picture, files, quick=quick, force=force)
    problems, found = Problems(), []
    for file in files:
        try:
            found.append(look_at(file, quick=quick))
        except UserError as error:
            problems.add(file, error.message.removeprefix(f"{file}: "), error.hint)
    if as_json:
        _print_json(found)
    else:
        for info in found:
            _show(info, show_all)
    problems.raise_if_any()
    if picture is not None:
        draw_norms(found, picture)
        click.echo(f"wrote {_safe(str(picture))}", err=as_json)
    if not as_json:
        next_step(_what_next(found))


def _print_json(found: Sequence[LoraInfo]) -> None:
    import json

    from wrapper.lora_tools.facts.info_rows import as_data

    # escaped, so that nothing in a file's words can steer a terminal
    click.echo(json.dumps([as_data(info, _verdicts(info)) for info in found], indent=2))


def _show(info: LoraInfo, show_all: bool) -> None:
    from wrapper.lora_tools.facts.info_rows import faults, identity_rows, norm_rows
    from wrapper.lora_tools.facts.training_facts import training_rows

    click.secho(_safe(str(info.path)), bold=True)
    _rows(identity_rows(info))
    _section("training", training_rows(info.header.metadata))
    if info.norms:
        click.secho("  norms: how strongly each place is changed at weight 1", bold=True)
        _table(norm_rows(info.norms))
    for fault in faults(info):
        click.secho(f"  {_safe(fault)}", fg="yellow")
    _show_verdicts(info)
    _show_leaks(info)
    if show_all:
        _section("metadata", sorted(info.header.metadata.items()))
    click.echo()


def _verdicts(info: LoraInfo) -> list[Verdict]:
    if info.found.kind is None:
        return []
    from wrapper.export.key_maps.a1111 import a1111_map
    from wrapper.export.key_maps.architecture import full_size_layers
    from wrapper.export.key_maps.comfyui import comfyui_map
    from wrapper.lora_tools.facts.takers import comfyui_names, other_size, verdicts

    layers = full_size_layers(info.found.kind)
    if other_size(info.found, info.header, layers):
        return []
    comfyui = comfyui_names(comfyui_map(info.found.kind, layers), layers)
    maps = {"A1111": a1111_map(info.found.kind, layers), "Forge": comfyui, "ComfyUI": comfyui}
    return verdicts(info.found, info.header, info.alphas, maps)


def _show_verdicts(info: LoraInfo) -> None:
    found = _verdicts(info)
    if found:
        click.secho("  taken as it is by", bold=True)
    elif info.found.modules:
        click.echo("  for a base of another size than the published one: only that base takes it")
    for verdict in found:
        sign = click.style("✓", fg="green") if verdict.whole else click.style("✗", fg="red")
        click.echo(f"    {sign} {verdict.program:<10} {_safe(verdict.detail)}")


def _show_leaks(info: LoraInfo) -> None:
    if not info.leaks:
        return
    click.secho("  tells of its maker", bold=True)
    for leak in info.leaks:
        click.echo(f"    {leak.topic:<9} {_safe(leak.key)}: {_safe(leak.before, 80)}")


def _section(title: str, rows: Iterable[Row | tuple[str, str]]) -> None:
    listed = list(rows)
    if listed:
        click.secho(f"  {title}", bold=True)
        _rows(listed, indent=4)


def _rows(rows: Sequence[Row | tuple[str, str]], indent: int = 2) -> None:
    width = max((len(label) for label, _ in rows), default=0)
    for label, text in rows:
        click.echo(f"{' ' * indent}{_safe(label):<{width}}  {_safe(text)}")


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell, those without any cell left out."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(len(cell) for cell in column) for column in columns]
    for cells in zip(*columns, strict=True):
        line = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        click.echo("    " + "  ".join(line).rstrip())


def _what_next(found: Sequence[LoraInfo]) -> str:
    info = found[0]
    name = shlex.quote(str(info.path))
    if not info.is_lora:
        return info.found.refused.hint if info.found.refused else ""
    if info.found.inexact:
        return f"lorawrap lora info {name} --json, to see all that no plain LoRA has"
    if any(one.is_broken for one in info.norms or ()):
        return "get the file again, or train it again: numbers that are not finite draw black pictures"
    if not all(verdict.whole for verdict in _verdicts(info)):
        return f"lorawrap lora convert {name} --to kohya --out whole.safetensors"
    if info.leaks:
        return (
            f"lorawrap lora edit {name} --strip captions,paths --out clean.safetensors, before you publish it"
        )
    return f"lorawrap export {name} --to a1111 --dest PROGRAM, or lorawrap generate --lora {name}"


def _safe(text: str, longest: int = 400) -> str:
    from dataset_tools.printable import one_line

    return one_line(text, longest)
