"""A notebook as a person uses it: fields of its forms filled in, then cell after cell run by a real kernel.

Colab's form writes what is filled in into the cell's own line, and so does `fill_in`: the notebooks need no
hook for tests, and what is run is what a user would run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PARAM = re.compile(r"^(?P<name>\w+) = (?P<value>.+?)  # @param(?P<type> .+)?$")


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / name, as_version=4)


def fill_in(book: nbformat.NotebookNode, fields: Mapping[str, object]) -> nbformat.NotebookNode:
    """``book`` with the values of ``fields`` in its forms; every field must be there."""
    left = dict(fields)
    for cell in book.cells:
        lines = cell.source.split("\n")
        for at, line in enumerate(lines):
            found = PARAM.match(line)
            if found and found["name"] in fields:
                lines[at] = f"{found['name']} = {fields[found['name']]!r}  # @param"
                left.pop(found["name"], None)
        cell.source = "\n".join(lines)
    assert not left, f"no form has {sorted(left)}"
    return book


class Kernel:
    """A kernel in ``folder``; ``run`` gives the text that the cells of these ids show."""

    def __init__(self, book: nbformat.NotebookNode, folder: Path, environment: Mapping[str, str]) -> None:
        self.book = book
        self.client = NotebookClient(book, timeout=1800, kernel_name="python3", allow_errors=True)
        self.client.create_kernel_manager()
        self._start = {"cwd": str(folder), "env": dict(environment)}
        self._loop = asyncio.new_event_loop()

    @property
    def pid(self) -> int:
        return self.client.km.provisioner.pid

    def __enter__(self) -> Kernel:
        self._loop.run_until_complete(self.client.async_start_new_kernel(**self._start))
        self._loop.run_until_complete(self.client.async_start_new_kernel_client())
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.run_until_complete(self.client._async_cleanup_kernel())
        self._loop.close()

    def run(self, ids: Iterable[str] = (), book: nbformat.NotebookNode | None = None) -> dict[str, str]:
        """Run the cells of these ids, or all; the text of each, of an error what the user sees.

        Another ``book`` may be run by the same kernel.
        """
        wanted = tuple(ids)
        shown = {}
        self.client.nb = book or self.book
        for index, cell in enumerate(self.client.nb.cells):
            if cell.cell_type == "code" and (not wanted or cell.id in wanted):
                self._loop.run_until_complete(self.client.async_execute_cell(cell, index))
                shown[cell.id] = text_of(cell)
        return shown


def text_of(cell: nbformat.NotebookNode) -> str:
    return "\n".join(_text(output) for output in cell.outputs)


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return "ERROR " + "\n".join(output.traceback)
    return str(output.data.get("text/html") or output.data.get("text/plain", ""))


def errors_of(shown: Mapping[str, str]) -> dict[str, str]:
    """The end of what each cell that went wrong shows."""
    return {cell: text[-1500:] for cell, text in shown.items() if "ERROR " in text}


def pictures_of(cell: nbformat.NotebookNode) -> int:
    """How many pictures a cell shows."""
    return text_of(cell).count("<img ")
