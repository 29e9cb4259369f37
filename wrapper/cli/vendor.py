"""``lorawrap vendor install``, ``status``, ``options``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.findings import show_findings
from wrapper.cli.options import next_step

if TYPE_CHECKING:
    from wrapper.sd_scripts.install import Plan


@click.group("vendor")
def command() -> None:
    """sd-scripts, the trainer for a GPU: install it, prove it, look up its options."""


@command.command("install")
@click.option(
    "--source",
    metavar="URL-OR-FOLDER",
    help="A URL, a clone (bare or partial as well), or an unpacked source archive.  [default: upstream]",
)
@click.option("--ref", metavar="TAG", help="Another version than the pinned one; it lies beside it.")
@click.option(
    "--system-torch", is_flag=True, help="Share the torch of --python, as on Colab; nothing else of it."
)
@click.option("--torch", metavar="VERSION", help="Version of torch.  [default: that of this environment]")
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    help="The Python to make its environment with.  [default: the one that runs lorawrap]",
)
@click.option("--force", is_flag=True, help="Make everything anew, even what is whole or was edited.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
def install_command(
    source: str | None,
    ref: str | None,
    system_torch: bool,
    torch: str | None,
    python: Path | None,
    force: bool,
    dry_run: bool,
) -> None:
    """Get sd-scripts, prove its files, and make it an environment of its own.

    Takes a few minutes and 2 to 7 GB, mostly torch. Started again after an interruption, it goes on.
    """
    from wrapper.sd_scripts.install import install, plan

    if torch and system_torch:
        raise click.UsageError("--torch and --system-torch exclude each other.")
    planned = plan(source, ref, python=python, torch=torch, system_torch=system_torch, anew=force)
    _show(planned)
    if dry_run:
        next_step("the same command without --dry-run")
        return
    made = install(planned)
    click.echo(f"sd-scripts {made.tag} ({made.commit[:10] or 'commit unknown'}) is in {made.checkout.parent}")
    next_step("lorawrap vendor status, or lorawrap train stage_a --engine sd-scripts")


def _show(planned: Plan) -> None:
    for step in planned.steps:
        click.echo(f"{'there' if step.done else 'to do'}  {step.name}: {step.text}")


@command.command("status")
def status_command() -> int:
    """Say which sd-scripts is there, whether it is whole, and what to do."""
    from wrapper.sd_scripts.status import INSTALL, examine

    found = list(examine())
    faults = show_findings(found)
    missing = any(one.hint == INSTALL for one in found)
    next_step("mend the faults above" if faults else INSTALL if missing else "lorawrap train stage_a")
    return 2 if faults else 0


@command.command("options", context_settings={"ignore_unknown_options": True})
@click.argument("script")
@click.argument("names", nargs=-1)
@click.option("--search", metavar="WORD", help="Only those with WORD in their name or help text.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def options_command(script: str, names: tuple[str, ...], search: str | None, as_json: bool) -> None:
    """Options of SCRIPT with type, default, choices and help; of NAMES only, if any are given.

    SCRIPT is train_network.py, sdxl_train_network.py, train_network_inpaint.py, or dataset_config (a
    dataset TOML).
    """
    import json

    from wrapper.sd_scripts.option_list import chosen, described, folder_with_help, has_help, options_of

    table = chosen(options_of(script), names, search)
    if as_json:
        click.echo(json.dumps(table, indent=2, ensure_ascii=False))
        return
    for name in sorted(table):
        click.echo(described(name, table[name]))
    click.echo(f"{len(table)} options of {script}")
    if not has_help(folder_with_help()):
        next_step("lorawrap vendor install, which brings sd-scripts' help texts")
