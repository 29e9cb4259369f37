"""Findings as lines: a coloured mark, what is so, and below it what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from wrapper.finding import Finding

_MARKS = {"ok": ("ok   ", "green"), "note": ("note ", "yellow"), "fault": ("FAULT", "red")}


def show_findings(findings: Iterable[Finding]) -> int:
    """Print each as it comes; returns how many are faults."""
    faults = 0
    for finding in findings:
        text, colour = _MARKS[finding.level]
        click.echo(f"{click.style(text, fg=colour)}  {finding.subject}: {finding.text}")
        if finding.hint:
            click.echo(f"       → {finding.hint}")
        faults += finding.level == "fault"
    return faults
