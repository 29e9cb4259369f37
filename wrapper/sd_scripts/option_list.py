"""The options of a script for a reader: chosen by name or by a word, one after the other."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError, did_you_mean, nearest
from wrapper.sd_scripts.installed import find_installation, tables_folder
from wrapper.sd_scripts.lock import recorded_tables
from wrapper.sd_scripts.tables import TABLES, are_whole, read_table, record_tables, say

Table = Mapping[str, Mapping[str, Any]]
INPAINT = "train_network_inpaint"


def options_of(script: str) -> Table:
    """``{option: facts}`` of ``train_network.py`` (or without the suffix), with help texts if there are any.

    ``dataset_config`` has one table a level. Raises `UserError` for a script whose options are not known.
    """
    name = script.removesuffix(".py")
    if name == INPAINT:
        return {**read_table(folder_with_help(), "train_network"), **_extensions()}
    if name not in TABLES:
        known = [*(f"{table}.py" for table in TABLES[:2]), f"{INPAINT}.py", "dataset_config"]
        raise UserError(
            f"The options of {script} are not known.",
            did_you_mean(script, known) or f"Known: {', '.join(known)}",
        )
    return read_table(folder_with_help(), name)


def folder_with_help() -> Path:
    """Like `tables_folder`, but read from the installed scripts even where the recorded ones are the same."""
    found = find_installation()
    if found is None:
        return tables_folder()
    if not are_whole(found.options, found.checkout):
        say(f"reading the options of {found.checkout} (once)")
        record_tables(found.python, found.checkout, found.options)
    return found.options


def has_help(folder: Path) -> bool:
    """Help texts are sd-scripts' own: they come with an installation, not with this project."""
    return folder != recorded_tables()


def _extensions() -> Table:
    from wrapper.trainer.options import EXTENSIONS, TRAIN_OPTIONS

    return {
        name: {
            "type": option.type,
            "choices": list(option.choices) or None,
            "default": option.default,
            "list": option.type in ("strs", "floats"),
            "help": option.help,
        }
        for name in EXTENSIONS
        if (option := TRAIN_OPTIONS[name])
    }


def chosen(table: Table, names: Sequence[str], word: str | None) -> Table:
    """The named options (``--learning-rate`` serves as well), or those that speak of ``word``; else all.

    Raises `UserError` that lists every unknown name with the nearest one.
    """
    wanted = [name.lstrip("-").replace("-", "_") for name in names]
    unknown = [name for name in wanted if name not in table]
    if unknown:
        likely = [
            f"{name} (did you mean {near}?)" if (near := nearest(name, table)) else name for name in unknown
        ]
        raise UserError(f"There is no option {', '.join(likely)}.", "--search WORD looks in names and help.")
    found = {name: table[name] for name in wanted} if wanted else dict(table)
    if word is None:
        return found
    return {name: facts for name, facts in found.items() if _speaks_of(word.lower(), name, facts)}


def _speaks_of(word: str, name: str, facts: Mapping[str, Any]) -> bool:
    return word in name.lower() or word in str(facts.get("help", "")).lower()


def described(name: str, facts: Mapping[str, Any]) -> str:
    """``learning_rate  float, default 2e-06``, its choices, and the help text below, wrapped."""
    if "type" not in facts:
        return _described_table(name, facts)
    many = "one or more " if facts["list"] else ""
    lines = [f"{name}  {many}{facts['type'].removeprefix('parsed:')}, default {shown(facts['default'])}"]
    if facts["choices"]:
        lines.append(f"    one of {', '.join(map(shown, facts['choices']))}")
    width = min(shutil.get_terminal_size((100, 20)).columns, 110)
    lines += textwrap.wrap(facts.get("help") or "", width, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def _described_table(name: str, keys: Mapping[str, Any]) -> str:
    lines = [
        f"    {key}  {' or '.join(facts['types'])}{', required' if facts['required'] else ''}"
        for key, facts in keys.items()
    ]
    return "\n".join([f"[{name}]", *lines])


def shown(value: Any) -> str:
    """``none`` for what is not set, ``true`` as in TOML, text as it is."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
