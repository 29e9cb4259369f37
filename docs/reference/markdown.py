"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars within its cells don't end them, and a column that is empty all the way is left out."""
    rows = [list(row) for row in rows]
    kept = [number for number in range(len(heading)) if any(row[number] for row in rows)]
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(_cell(line[number]) for number in kept) + " |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def fence(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def page(*blocks: str) -> str:
    """Blocks with an empty line between, ended by a line's end."""
    return "\n\n".join(block.strip("\n") for block in blocks if block) + "\n"


def prose(text: str) -> str:
    """``text`` so that no angle bracket or star of it is read as markup; what is in backquotes is left."""
    parts = text.split("`")
    parts[::2] = (part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2])
    return "`".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
