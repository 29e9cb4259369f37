"""The runs of a project: found by their ids, read from their records, told in a line or a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.progress import clock
from wrapper.project.layout import ProjectPaths, RunPaths
from wrapper.project.load import parse_toml
from wrapper.runs.curve import read_losses
from wrapper.runs.record import read_object, read_record, status_of
from wrapper.runs.state import saved_states


@dataclass(frozen=True)
class RunLine:
    """One run in a list; ``loss`` is the last running mean, ``lora`` the published file's name."""

    id: str
    stage: str
    engine: str
    status: str
    steps: str
    loss: float | None
    duration: str
    lora: str


def list_runs(paths: ProjectPaths, stage: str | None = None) -> list[RunLine]:
    """Every run, by stage and number. Only the records are read."""
    return [_line(run) for run in paths.all_runs() if stage in (None, run.stage)]


def find_run(paths: ProjectPaths, name: str) -> RunPaths:
    """The run with the id ``name``; a stage's name is its newest run. `UserError` when there is none."""
    runs = {run.id: run for run in paths.all_runs()}
    found = runs.get(name) or next((run for run in reversed(runs.values()) if run.stage == name), None)
    if found is None:
        hint = did_you_mean(name, list(runs)) or "`lorawrap runs list` shows those that there are."
        raise UserError(f"{paths.runs}: there is no run {name!r}.", hint)
    return found


def facts(run: RunPaths) -> Iterator[tuple[str, str]]:
    """What `runs show` tells of a run, as names and values."""
    record = read_record(run.record)
    line = _line(run)
    yield "status", line.status
    yield from ((name, str(record[name])) for name in ("why",) if record.get(name))
    yield from (("fault", fault) for fault in record.get("faults", []))
    yield from (("notice", text) for text in record.get("notices", []))
    yield "trainer", f"{line.engine}, {record.get('script', '')}{_checkout(record)}"
    yield "steps", line.steps
    yield "loss", _losses(run)
    yield "started", str(record.get("started", ""))
    yield "time", line.duration
    yield "went on from", ", ".join(_resumed(record))
    yield "states", ", ".join(str(state.step) for state in saved_states(run))
    yield "base", record.get("base", {}).get("path", "")
    yield "images, masks, captions", str(record.get("files", {}).get("count", ""))
    yield "LoRA", record.get("lora", {}).get("path", "")
    yield "processes", str(record.get("processes", {}).get("here", ""))
    yield "GPUs", ", ".join(record.get("machine", {}).get("gpus", []))
    yield "versions", ", ".join(f"{name} {text}" for name, text in record.get("versions", {}).items())
    yield "command", str(record.get("shell", ""))
    yield "log", str(run.log)
    yield "curve", str(run.curve) if run.curve.is_file() else ""


def setting_rows(run: RunPaths) -> list[tuple[str, str, str]]:
    """``(key, value, where it came from)`` of both files, subsets left out."""
    origins = read_object(run.origins)
    rows = []
    for path in (run.train_toml, run.dataset_toml):
        if path.is_file():
            data = parse_toml(path)
            rows += [(key, _shown(value), origins.get(key, "")) for key, value in _keys(data)]
    return rows


def next_after(run: RunPaths, where: str = "") -> str:
    """The command that one would type now."""
    status = status_of(read_record(run.record))
    if status == "succeeded":
        return f"lorawrap generate{where}"
    if status == "running":
        return f"lorawrap runs show {run.id}{where}"
    if saved_states(run) and run.train_toml.is_file():
        return f"lorawrap runs resume {run.id}{where}"
    return f"lorawrap train {run.stage}{where}"


def duration_s(record: Mapping[str, Any]) -> float | None:
    """Seconds that the trainer ran, all parts together; None while nothing has ended.

    A part that ends before it began, by a clock that was set back, tells nothing.
    """
    parts = record.get("segments") or [record]
    spent = [_seconds(part) for part in parts if part.get("started") and part.get("ended")]
    told = [seconds for seconds in spent if seconds >= 0]
    return sum(told) if told else None


def _seconds(part: Mapping[str, Any]) -> float:
    begin, end = (datetime.fromisoformat(str(part[key])) for key in ("started", "ended"))
    return (end - begin).total_seconds()


def _line(run: RunPaths) -> RunLine:
    record = read_record(run.record)
    spent = duration_s(record)
    lora = record.get("lora", {}).get("path")
    done, planned = record.get("steps", record.get("steps_seen")), record.get("planned_steps", "?")
    return RunLine(
        id=run.id,
        stage=run.stage,
        engine=str(record.get("engine", "")),
        status=status_of(record),
        steps=f"{planned}" if done is None else f"{done}/{planned}",
        loss=record.get("loss"),
        duration="" if spent is None else clock(spent),
        lora=Path(lora).name if lora else "",
    )


def _losses(run: RunPaths) -> str:
    _, losses = read_losses(run)
    return f"{losses[0]:.4f} at first, {losses[-1]:.4f} at the end" if losses else ""


def _checkout(record: Mapping[str, Any]) -> str:
    found = record.get("sd_scripts", {})
    return f", sd-scripts {found.get('tag', '')} {str(found.get('commit', ''))[:12]}" if found else ""


def _resumed(record: Mapping[str, Any]) -> Iterator[str]:
    for segment in record.get("segments", []):
        if segment.get("from"):
            yield f"{segment['from']} (step {segment['done']})"


def _keys(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for table in data.values():
        for one in table if isinstance(table, list) else [table]:
            if isinstance(one, dict):
                yield from ((key, value) for key, value in one.items() if key != "subsets")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
