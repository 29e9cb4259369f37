"""QC records as ``qc.jsonl`` and ``qcreport.csv``, and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dataset_tools.data_text import from_json
from dataset_tools.errors import UserError
from dataset_tools.files import text_file
from dataset_tools.quality.qc_record import QcRecord, record_from_json

JSONL, CSV = "qc.jsonl", "qcreport.csv"
SCORES = (
    "blur",
    "blockiness",
    "noise",
    "dark",
    "light",
    "contrast",
    "resolution",
    "size",
    "aspect",
    "framing",
    "content",
)
_FACTS = ("width", "height", "noise_sigma", "jpeg_quality", "laplacian_variance")
_COLUMNS = (
    "path",
    "status",
    "codes",
    "reasons",
    *_FACTS,
    *(f"score_{s}" for s in SCORES),
    "duplicate_of",
    "error",
)


@contextmanager
def reports(out: Path) -> Iterator[Callable[[QcRecord], None]]:
    """Yield what adds a record to both files in ``out``; each appears whole, at the end."""
    with ExitStack() as files:
        lines, cells = (files.enter_context(text_file(out / name)) for name in (JSONL, CSV))
        table = csv.DictWriter(cells, _COLUMNS, lineterminator="\n")
        table.writeheader()

        def add(record: QcRecord) -> None:
            lines.write(f"{_line(record)}\n")
            table.writerow({key: readable(cell(value)) for key, value in _row(record).items()})

        yield add


def write_reports(records: Iterable[QcRecord], out: Path) -> None:
    """Write both files into ``out``, each whole."""
    with reports(out) as add:
        for record in records:
            add(record)


def read_records(path: Path) -> list[QcRecord]:
    """The records of a ``qc.jsonl``; UserError names a line that is not one."""
    return list(each_record(path))


def each_record(path: Path) -> Iterator[QcRecord]:
    """`read_records`, one at a time."""
    try:
        stream = path.open(encoding="utf-8", newline="\n")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no QC yet", "Run `lorawrap qc` first.") from error
    with stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _read(path, number, line)


def _read(path: Path, number: int, line: str) -> QcRecord:
    try:
        return record_from_json(from_json(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} line {number}: no QC record ({error})", "Run `lorawrap qc` again."
        ) from error


def _line(record: QcRecord) -> str:
    """One JSON line; a file name that is not UTF-8 is written with escapes that read back as it was."""
    data = record.as_json()
    text = json.dumps(data, ensure_ascii=False)
    return text if readable(text) == text else json.dumps(data)


def readable(text: str) -> str:
    """``text`` as valid UTF-8: bytes of a file name that are none appear as ``\\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _row(record: QcRecord) -> dict[str, object]:
    return {
        **{name: getattr(record, name) for name in ("path", "status", *_FACTS, "duplicate_of", "error")},
        "codes": " ".join(dict.fromkeys(reason.code for reason in record.reasons)),
        "reasons": "; ".join(reason.message for reason in record.reasons),
        **{f"score_{name}": record.scores.get(name) for name in SCORES},
    }


def cell(value: object) -> str:
    """A cell that a spreadsheet takes as text: a name that starts like a formula gets an apostrophe."""
    text = "" if value is None else str(value)
    return (
        f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
    )
