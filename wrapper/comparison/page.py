"""``compare.html``: every grid on one page that opens from disk; the pictures are found beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dataset_tools.files import write_text
from dataset_tools.quality.page.page import as_script
from dataset_tools.wording import count_of
from wrapper import __version__
from wrapper.comparison.compare import Comparison
from wrapper.comparison.kinds import WITHOUT_AND_WITH
from wrapper.comparison.plan import Grid
from wrapper.diffusion.pictures.infotext import write_infotext
from wrapper.shipped_templates import templates

PIXELATED_PX = 128
"""Pictures this small are enlarged without smoothing."""
_SHARED = ("Sampler", "Steps", "CFG scale", "Size", "Denoising strength", "Model")


def write_page(comparison: Comparison, failed: Mapping[str, str]) -> Path:
    """Write the page; ``failed`` says of cells without a picture why."""
    write_text(comparison.album.page, render(comparison, failed))
    return comparison.album.page


def render(comparison: Comparison, failed: Mapping[str, str]) -> str:
    """The page as text."""
    grids = [_grid(comparison, number, grid, failed) for number, grid in enumerate(comparison.plan.grids)]
    return (
        templates("html")
        .get_template("compare.html.j2")
        .render(
            version=__version__,
            title=_title(comparison),
            facts=_facts(comparison),
            failed=list(failed.items()),
            grids=grids,
            data=as_script({"grids": grids}),
        )
    )


def _title(comparison: Comparison) -> str:
    prompts = list(dict.fromkeys(look.prompt.text for look in comparison.plan.cells.values()))
    more = "" if len(prompts) == 1 else f" and {len(prompts) - 1} more prompt{'s' * (len(prompts) > 2)}"
    return f"{prompts[0] or 'Compared'}{more}"


def _facts(comparison: Comparison) -> str:
    """What is the same in all pictures."""
    told = [infotext.fields for infotext in comparison.told.values()]
    same = [key for key in _SHARED if len({fields.get(key) for fields in told}) == 1 and key in told[0]]
    parts = [f"{key}: {told[0][key]}" for key in same]
    return " · ".join([f"{count_of(len(told), 'picture')}", *parts])


def _grid(comparison: Comparison, number: int, grid: Grid, failed: Mapping[str, str]) -> dict[str, Any]:
    heads = [value.label for value in grid.x.values]
    rows = [
        {
            "label": value.label if len(grid.y.values) > 1 or value.label not in heads else "",
            "cells": [
                _cell(comparison, name, value.label, head, failed)
                for name, head in zip(names, heads, strict=True)
            ],
        }
        for value, names in zip(grid.y.values, grid.names, strict=True)
    ]
    axes = [axis.kind.title for axis in (grid.x, grid.y) if len(axis.values) > 1]
    return {
        "title": grid.title,
        "caption": " × ".join(axes) or "One picture",
        "sheet": quote(comparison.album.sheet(number).name),
        "pairs": grid.x.name == WITHOUT_AND_WITH,
        "heads": heads,
        "rows": rows,
    }


def _cell(
    comparison: Comparison, name: str, row: str, column: str, failed: Mapping[str, str]
) -> dict[str, Any]:
    path, told = comparison.album.picture(name), comparison.told[name]
    if name in failed or not path.is_file():
        return {"link": "", "why": failed.get(name, "not drawn yet")}
    width, height = _size(path)
    return {
        "link": f"./{path.parent.name}/{quote(path.name)}",
        "alt": f"{told.prompt}; {'; '.join(filter(None, (row, column)))}",
        "width": width,
        "height": height,
        "pixelated": max(width, height) <= PIXELATED_PX,
        "parameters": write_infotext(told),
    }


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(path) as image:
        return image.size
