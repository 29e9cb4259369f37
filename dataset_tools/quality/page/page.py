"""QC records → ``report.html``: one file that opens from disk; the pictures are found beside it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dataset_tools.files import text_file
from dataset_tools.quality.page.columns import described, values
from dataset_tools.quality.page.groups import DuplicateGroups
from dataset_tools.quality.page.thumbnails import FOLDER, thumbnail_name, thumbnails_there
from dataset_tools.quality.qc_record import CODES, QcRecord, Reason
from dataset_tools.quality.qc_report import readable
from dataset_tools.quality.thresholds import Thresholds

PAGE = "report.html"
DATA = "7c1f0e5d: the data"
"""Where the data goes: words that are in no asset."""


@contextmanager
def page(
    thresholds: Thresholds, pictures: Path, out: Path, count: int
) -> Iterator[Callable[[QcRecord], None]]:
    """Yield what adds one of ``count`` records to ``report.html`` in ``out``, which appears at the end.

    The records' paths are relative to the folder ``pictures``. Small copies of other pictures are removed.
    """
    there, shown = thumbnails_there(out / FOLDER), set[str]()
    codes, groups = Counter[str](), DuplicateGroups()
    before, after = _around(pictures, count)
    with text_file(out / PAGE) as stream:
        stream.write(before + as_script(_frame(thresholds, pictures, out))[:-1])
        stream.write(',"pictures":[')

        def add(record: QcRecord) -> None:
            picture = _picture(record, there)
            stream.write(("," if len(groups) else "") + as_script(picture))
            shown.add(picture["thumbnail"])
            codes.update({reason.code for reason in record.reasons})
            groups.add(record)

        yield add
        stream.write("]," + as_script(_summary(codes, groups))[1:] + after)
    for name in there - shown:
        (out / FOLDER / name).unlink()


def write_page(records: Collection[QcRecord], thresholds: Thresholds, pictures: Path, out: Path) -> None:
    """Write ``report.html`` into ``out``."""
    with page(thresholds, pictures, out, len(records)) as add:
        for record in records:
            add(record)


def _around(pictures: Path, count: int) -> tuple[str, str]:
    """The page before and after its data."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    before, after = (
        environment.from_string(_asset("page.html.j2"))
        .render(
            title=readable(pictures.absolute().name),
            count=count,
            css=_asset("page.css"),
            js=_asset("page.js"),
            data=DATA,
        )
        .split(DATA)
    )
    return before, after


def _asset(name: str) -> str:
    return (files("dataset_tools") / "data" / "qc_page" / name).read_text(encoding="utf-8")


def as_script(data: Any) -> str:
    """JSON in ASCII for a ``<script>`` element: nothing in it can end the element or start another."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _frame(thresholds: Thresholds, pictures: Path, out: Path) -> dict[str, Any]:
    """What the page shows beside pictures. Links are relative to ``out``, percent-encoded byte for byte."""
    return {
        "folder": _link_to(pictures, out),
        "thumbnails": f"{FOLDER}/",
        "columns": described(thresholds),
    }


def _summary(codes: Counter[str], groups: DuplicateGroups) -> dict[str, Any]:
    return {"codes": [code for code in CODES if codes[code]], "groups": groups.all()}


def _link_to(pictures: Path, out: Path) -> str:
    """The folder as a link from the page, with a slash behind it; whole where no relative one exists."""
    try:
        relative = os.path.relpath(os.path.realpath(pictures), os.path.realpath(out))
    except ValueError:
        return f"{pictures.absolute().as_uri()}/"
    return f"./{quote(os.fsencode(Path(relative).as_posix()))}/"


def _picture(record: QcRecord, there: set[str]) -> dict[str, Any]:
    thumbnail = thumbnail_name(record.path)
    return {
        "name": readable(record.path),
        "link": quote(os.fsencode(record.path)),
        "thumbnail": thumbnail if thumbnail in there else None,
        "status": record.status,
        "size": [record.width, record.height] if record.width else None,
        "reasons": [_reason(reason) for reason in record.reasons],
        "values": values(record),
        "original": readable(record.duplicate_of) if record.duplicate_of else None,
    }


def _reason(reason: Reason) -> list[str | float | None]:
    return [reason.code, readable(reason.message), reason.measure, reason.value, reason.threshold]
