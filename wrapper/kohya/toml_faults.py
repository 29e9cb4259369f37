"""What people get wrong in the spelling of a TOML file, said for the line where the parser gave up."""

from __future__ import annotations

import re

_QUOTES = "“”„‟«»‘’"
_LINE = re.compile(r"line (\d+)")
_VALUE = re.compile(r"^\s*[\w.\"'-]+\s*=\s*(?P<value>[^#]*?)\s*(#.*)?$")
_MARK = "\ufeff"


def fault_line(message: str) -> int:
    """The line that a parser's message names; 0 where it names none."""
    found = _LINE.search(message)
    return int(found.group(1)) if found else 0


def fault_hint(text: str, line: int) -> str:
    """What to do about line ``line`` of ``text``, counted from 1; empty where nothing is known."""
    if text.startswith(_MARK):
        return "It begins with a byte order mark: save it as 'UTF-8', not as 'UTF-8 with BOM'."
    written = "".join(text.split("\n")[line - 1 : line]).strip() if line else ""
    if any(quote in written for quote in _QUOTES):
        return "Write straight quotes, \" or ', for the curly ones."
    found = _VALUE.match(written)
    return _value_hint(found.group("value")) if found else _table_hint(written)


def _value_hint(value: str) -> str:
    if value in ("True", "False"):
        return f"Write {value.lower()}."
    if value.startswith('"') and "\\" in value:
        return "Write the path with / instead of \\, or between single quotes."
    if re.fullmatch(r"[-+]?\d+,\d+", value):
        return f"Write {value.replace(',', '.')}."
    if value in ("None", "null", ""):
        return "Leave the key out where it has no value."
    if not value.startswith(("'", '"', "[", "{")):
        return f'Write text between quotes: "{value}".'
    return ""


def _table_hint(written: str) -> str:
    name = re.match(r"\s*\[([\w.-]+)\]\s*$", written)
    return f"Put everything of [{name.group(1)}] into one table." if name else ""
