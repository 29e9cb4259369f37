"""Figures of `scale_measure` → the curves and the tables of docs/SCALE.md.

python -m benchmarks.scale_curves FIGURES.json OUT.svg "qc" "build" "check"
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from benchmarks.scale_measure import Figure, exponent, read

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 12, 40
COLOURS = ("#1f5fbf", "#c2571a", "#2d8a4e", "#8a3fa8", "#777777", "#b03060", "#0b7d8a")
LEAST_S = 0.01
TO_THE_POWER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Powers = tuple[int, int]
"""The lowest and the highest power of ten on an axis."""


def curves(series: Mapping[str, Sequence[Figure]]) -> str:
    """CPU seconds over the number of items as SVG, both on axes of powers of ten."""
    everything = [figure for some in series.values() for figure in some]
    across = _powers([float(figure.size) for figure in everything])
    down = _powers([max(figure.cpu_s, LEAST_S) for figure in everything])
    lines = [*_frame(across, down)]
    for number, (label, some) in enumerate(series.items()):
        lines += _line(label, some, COLOURS[number % len(COLOURS)], number, across, down)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
    head += f'height="{HEIGHT}" font-family="sans-serif" font-size="12" role="img">'
    names = ", ".join(series)
    title = f"<title>{escape(f'CPU seconds of {names}')}</title>"
    return "\n".join([head, title, '<rect width="100%" height="100%" fill="#ffffff"/>', *lines, "</svg>\n"])


def _powers(values: Sequence[float]) -> Powers:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _frame(across: Powers, down: Powers) -> Iterator[str]:
    for power in range(across[0], across[1] + 1):
        x = _x(10.0**power, across)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eeeeee"/>'
        yield _text(x, HEIGHT - BOTTOM + 16, "10" + str(power).translate(TO_THE_POWER), "middle")
    for power in range(down[0], down[1] + 1):
        y = _y(10.0**power, down)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8d8d8"/>'
        yield _text(LEFT - 6, y + 4, "10" + str(power).translate(TO_THE_POWER), "end")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "items; upwards CPU seconds", "middle")


def _line(
    label: str, some: Sequence[Figure], colour: str, number: int, across: Powers, down: Powers
) -> Iterator[str]:
    places = [(_x(one.size, across), _y(max(one.cpu_s, LEAST_S), down)) for one in some]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    yield _text(LEFT + 10, TOP + 16 * (number + 1), label, "start", colour)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#555555") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _x(value: float, powers: Powers) -> float:
    share = (math.log10(value) - powers[0]) / (powers[1] - powers[0])
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float, powers: Powers) -> float:
    share = (math.log10(value) - powers[0]) / (powers[1] - powers[0])
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def table(figures: Sequence[Figure]) -> str:
    """A row a step: CPU seconds and MiB by size, and the exponent."""
    sizes = sorted({one.size for one in figures})
    lines = ["| | " + " | ".join(f"{size:,}" for size in sizes) + " | exponent |"]
    lines.append("|---|" + "---|" * (len(sizes) + 1))
    for what in dict.fromkeys(one.what for one in figures):
        some = {one.size: one for one in figures if one.what == what}
        cells = [_cell(some[size]) if size in some else "" for size in sizes]
        lines.append(f"| {what} | " + " | ".join(cells) + f" | {exponent(list(some.values())):.2f} |")
    return "\n".join(lines)


def _cell(one: Figure) -> str:
    spent = f"{one.cpu_s:.2f}" if one.cpu_s < 10 else f"{one.cpu_s:.0f}"
    return f"{spent} s, {max(one.peak_mib, one.child_mib):.0f} MiB"


def main(arguments: Sequence[str]) -> None:
    source, target, *wanted = arguments
    figures = read(Path(source))
    print(table(figures))
    series = {what: [one for one in figures if one.what == what] for what in wanted}
    Path(target).write_text(curves(series), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
