"""QC records → ``report.html``: one file that opens from disk; the pictures are found beside it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dataset_tools.files import write_text
from dataset_tools.quality.page.columns import described, values
from dataset_tools.quality.page.groups import duplicate_groups
from dataset_tools.quality.page.thumbnails import FOLDER, remove_others, thumbnail_name, thumbnails_there
from dataset_tools.quality.qc_record import CODES, QcRecord, Reason
from dataset_tools.quality.qc_report import readable
from dataset_tools.quality.thresholds import Thresholds

PAGE = "report.html"


def write_page(records: Sequence[QcRecord], thresholds: Thresholds, pictures: Path, out: Path) -> None:
    """Write ``report.html`` into ``out``; the records' paths are relative to the folder ``pictures``."""
    remove_others(out / FOLDER, (record.path for record in records))
    write_text(out / PAGE, render(records, thresholds, pictures, out))


def render(records: Sequence[QcRecord], thresholds: Thresholds, pictures: Path, out: Path) -> str:
    """The page as text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_asset("page.html.j2")).render(
        title=readable(pictures.absolute().name),
        count=len(records),
        css=_asset("page.css"),
        js=_asset("page.js"),
        data=as_script(page_data(records, thresholds, pictures, out)),
    )


def _asset(name: str) -> str:
    return (files("dataset_tools") / "data" / "qc_page" / name).read_text(encoding="utf-8")


def as_script(data: Any) -> str:
    """JSON in ASCII for a ``<script>`` element: nothing in it can end the element or start another."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def page_data(
    records: Sequence[QcRecord], thresholds: Thresholds, pictures: Path, out: Path
) -> dict[str, Any]:
    """All that the page shows. Links are relative to ``out``, percent-encoded byte for byte."""
    there = thumbnails_there(out / FOLDER)
    codes = Counter(code for record in records for code in {reason.code for reason in record.reasons})
    return {
        "folder": _link_to(pictures, out),
        "thumbnails": f"{FOLDER}/",
        "columns": described(thresholds),
        "codes": [code for code in CODES if codes[code]],
        "groups": duplicate_groups(records),
        "pictures": [_picture(record, there) for record in records],
    }


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
