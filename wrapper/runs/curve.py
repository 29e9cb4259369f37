"""The loss of one run, or of several over the same axes, as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_tools.files import write_text
from wrapper.curves import Chart, chart
from wrapper.project.layout import RunPaths
from wrapper.runs.events import read_events
from wrapper.shipped_templates import templates

Losses = tuple[list[float], list[float]]
"""Steps, and the running mean of the loss at each."""


def read_losses(run: RunPaths) -> Losses:
    """The losses of ``run``, one a step, where the trainer gave a finite one."""
    events = [event for event in read_events(run.events) if event.get("loss") is not None]
    return [event["step"] for event in events], [event["loss"] for event in events]


def draw_curve(run: RunPaths) -> Path | None:
    """Write the run's ``loss.svg``; None where there is nothing to draw."""
    return draw_curves([run], run.curve)


def draw_curves(runs: Sequence[RunPaths], path: Path) -> Path | None:
    """Write the losses of ``runs`` over the same axes to ``path``; None where there is nothing to draw."""
    alt = f"running mean of the loss: {', '.join(run.id for run in runs)}"
    drawn = chart({run.id: read_losses(run) for run in runs}, "steps", alt, from_zero=False)
    if drawn is None:
        return None
    write_text(path, _svg(drawn))
    return path


def _svg(drawn: Chart) -> str:
    return templates("svg").get_template("loss.svg.j2").render(chart=drawn)
