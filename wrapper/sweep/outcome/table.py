"""A ranking as a table for the terminal, no wider than it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import NamedTuple

from dataset_tools.printable import one_line
from dataset_tools.wording import count_of
from wrapper.evaluation.comparing import Gap
from wrapper.evaluation.metrics import Metric
from wrapper.sweep.outcome.ranking import Ranking
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.shown import swept_names, value_words

WIDTH = 100
MOST = 40
"""So many trials are shown; all of them are in results.csv and on the page."""
GAP = 2


class Column(NamedTuple):
    """``spare``: the higher, the sooner it is left out where there is no room; 0 is never."""

    title: str
    cells: list[str]
    right: bool = True
    spare: int = 0

    @property
    def width(self) -> int:
        from rich.cells import cell_len

        return max(map(cell_len, [self.title, *self.cells]))


def table_lines(ranking: Ranking, width: int = WIDTH, most: int = MOST) -> list[str]:
    """A heading, a line for each of the first ``most`` trials, then those without a place and why."""
    from rich.cells import set_cell_size

    rows = ranking.rows[:most]
    placed = [row for row in rows if row.group == 0]
    columns = _fitting(_columns(ranking, placed), width)
    lines = [set_cell_size(line, width).rstrip() for line in _drawn(columns)] if placed else []
    for row in rows:
        lines += [] if row.group == 0 else wrap(_reason(row), max(width, 20), subsequent_indent="    ")
    if len(ranking.rows) > most:
        lines.append(
            f"and {count_of(len(ranking.rows) - most, 'more trial')}, in results.csv and on the page"
        )
    return lines


def _columns(ranking: Ranking, rows: Sequence[Row]) -> list[Column]:
    metric = ranking.metric
    if metric is None:
        return []

    def column(title: str, cell: Callable[[Row], str], spare: int = 0, *, right: bool = True) -> Column:
        return Column(title, [cell(row) for row in rows], right, spare)

    def setting(key: str, title: str) -> Column:
        return column(title, lambda row: value_words(row.trial.settings.get(key)))

    return [
        column("", lambda row: "best" if row.is_best else str(row.place)),
        column("trial", lambda row: row.id, right=False),
        column(f"{metric.title} {metric.unit}".strip(), lambda row: f"{row.mean or 0:.{metric.digits}f}"),
        column("behind the best", lambda row: _gap(row.behind, metric, 1), 1),
        *(setting(key, title) for key, title in swept_names(ranking.sweep).items()),
        column("over the base", lambda row: _gap(row.gain, metric, -1), 2),
        column("first in", lambda row: f"{row.best_chance:.0%}" if row.best_chance is not None else "", 3),
        column("steps", lambda row: str(row.trained.steps or ""), 5),
        column("minutes", lambda row: _number(row.trained.minutes), 4),
    ]


def _gap(gap: Gap | None, metric: Metric, sign: int) -> str:
    """``0.31``, or ``0.31 (noise)`` where it cannot be told from none; with a sign where ``sign`` is −1."""
    if gap is None:
        return ""
    shown = f"{gap.mean:{'+' if sign < 0 else ''}.{metric.digits}f}"
    return f"{shown} (noise)" if gap.is_noise else shown


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _fitting(columns: list[Column], width: int) -> list[Column]:
    """Without the columns that there is no room for, as far as they may be left out."""
    while _width(columns) > width and any(column.spare for column in columns):
        columns.remove(max(columns, key=lambda column: column.spare))
    return columns


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width + GAP for column in columns) - GAP


def _drawn(columns: Sequence[Column]) -> list[str]:
    lines = zip(*([column.title, *column.cells] for column in columns), strict=True)
    widths = [column.width for column in columns]
    return [
        (" " * GAP).join(
            _padded(text, column, wide) for text, column, wide in zip(line, columns, widths, strict=True)
        )
        for line in lines
    ]


def _padded(text: str, column: Column, width: int) -> str:
    from rich.cells import cell_len

    space = " " * (width - cell_len(text))
    return space + text if column.right else text + space


def _reason(row: Row) -> str:
    log = f" ({row.log})" if row.log and row.status in ("failed", "died") else ""
    status = "not compared" if row.status == "succeeded" else row.status
    return f"{row.id} {status}: {one_line(row.why)}{log}"
