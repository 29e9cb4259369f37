"""Records the options of an installed sd-scripts as JSON.

Runs in sd-scripts' own environment: ``python record_options.py CHECKOUT OUT_FOLDER [--help-texts]``.
The facts come from the scripts' own parsers (``setup_parser()``) and from the dataset schema of
``library/config_util.py``. Help texts are its own words: published tables go without.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPTS = ("train_network", "sdxl_train_network")
SCHEMAS = {
    "general": "general_schema",
    "datasets": "db_dataset_schema",
    "datasets with masks": "cn_dataset_schema",
    "datasets with metadata": "ft_dataset_schema",
    "subsets": "db_subset_schema",
    "subsets with masks": "cn_subset_schema",
    "subsets with metadata": "ft_subset_schema",
}


def main() -> None:
    wishes = argparse.ArgumentParser()
    wishes.add_argument("checkout", type=Path)
    wishes.add_argument("out", type=Path)
    wishes.add_argument("--help-texts", action="store_true")
    wished = wishes.parse_args()
    sys.path[:0] = [str(wished.checkout)]
    let_torchvision_be_imported()
    wished.out.mkdir(parents=True, exist_ok=True)
    for script in SCRIPTS:
        parser = importlib.import_module(script).setup_parser()
        write(wished.out / f"{script}.json", parser_options(parser, wished.help_texts))
    write(wished.out / "dataset_config.json", dataset_options())


def let_torchvision_be_imported() -> None:
    """Only where it cannot be otherwise: see site/lorawrap_torchvision.py."""
    try:
        import torchvision  # noqa: F401
    except (RuntimeError, AttributeError):
        forget("torchvision")
        sys.path.append(str(HERE / "site"))
        importlib.import_module("lorawrap_torchvision")


def forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def write(path: Path, table: dict[str, Any]) -> None:
    """One option a line, so that two versions can be compared line by line."""
    lines = [f"{json.dumps(key)}: {json.dumps(table[key])}" for key in sorted(table)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def parser_options(parser: argparse.ArgumentParser, help_texts: bool = False) -> dict[str, Any]:
    """``{option: facts}`` of everything but ``--help``."""
    return {
        action.dest: option(action) | ({"help": help_text(parser, action)} if help_texts else {})
        for action in parser._actions
        if action.dest != "help"
    }


def option(action: argparse.Action) -> dict[str, Any]:
    return {
        "type": "bool" if action.nargs == 0 else type_name(action.type),
        "choices": list(action.choices) if action.choices else None,
        "default": plain(action.default),
        "list": action.nargs not in (None, 0, "?"),
        "nargs": action.nargs,
        "const": plain(action.const),
        "action": type(action).__name__,
        "flags": list(action.option_strings),
        "required": action.required,
    }


def help_text(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""


def type_name(kind: Any) -> str:
    if kind in (int, float, str, bool):
        return str(kind.__name__)
    return "str" if kind is None else f"parsed:{getattr(kind, '__name__', kind)}"


def plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str, list)) else str(value)


def dataset_options() -> dict[str, Any]:
    """``{table: {key: {types, required}}}`` from sd-scripts' own sanitizer."""
    sanitizer = importlib.import_module("library.config_util").ConfigSanitizer(True, True, True, True)
    return {table: schema_keys(getattr(sanitizer, name)) for table, name in SCHEMAS.items()}


def schema_keys(schema: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(key): {"types": schema_types(value), "required": type(key).__name__ == "Required"}
        for key, value in schema.items()
        if str(key) != "subsets"
    }


def schema_types(value: Any) -> list[str]:
    """``[int]``, ``[float, int]``, or ``[pair of float]`` for its two-number validators."""
    if isinstance(value, type):
        return [value.__name__]
    if hasattr(value, "validators"):
        return ["None" if part is None else part.__name__ for part in value.validators]
    inner = value.args[0].__name__
    return [inner, f"pair of {inner}"] if "scalar" in value.func.__name__ else [f"pair of {inner}"]


if __name__ == "__main__":
    main()
