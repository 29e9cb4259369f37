"""The page's part on training: what was run, how the loss went, which settings and where from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dataset_tools.progress import clock
from wrapper.curves import Chart, curve
from wrapper.project.layout import PROJECT_FILE, STAGES, ProjectPaths, RunPaths
from wrapper.project.load import parse_toml
from wrapper.records import read_json
from wrapper.report.dataset import TITLES
from wrapper.runs.events import read_events

SET_BY_USER = (PROJECT_FILE, "--set")
TONES = {"succeeded": "good", "failed": "bad", "interrupted": "warn", "running": "warn"}


@dataclass(frozen=True)
class Setting:
    """One key of the Kohya TOMLs, and whether the user set it."""

    section: str
    key: str
    value: str
    origin: str
    by_user: bool


@dataclass(frozen=True)
class StageRun:
    title: str
    missing: str = ""
    status: str = ""
    tone: str = ""
    faults: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    chart: Chart | None = None
    loss: str = ""
    settings: list[Setting] = field(default_factory=list)


def training_part(paths: ProjectPaths) -> list[StageRun]:
    """One entry a stage, also for a stage that was not trained."""
    return [_stage(paths, stage) for stage in STAGES]


def _stage(paths: ProjectPaths, stage: str) -> StageRun:
    run = paths.run(stage)
    record = read_json(run.record)
    settings = _all_settings(paths, run, record or {})
    if record is None:
        missing = f"{TITLES[stage]} was not trained: there is no run.json in runs/{run.id}."
        return StageRun(TITLES[stage], missing=missing, settings=settings)
    events = [event for event in read_events(run.events) if event.get("loss") is not None]
    losses = [event["loss"] for event in events]
    return StageRun(
        title=TITLES[stage],
        status=record["status"],
        tone=TONES.get(record["status"], "warn"),
        faults=record.get("faults", []),
        facts=_facts(record),
        chart=curve(
            [event["step"] for event in events], losses, "steps", f"loss of {TITLES[stage]} over its steps"
        ),
        loss=f"running mean of the loss: {losses[0]:.4f} at first, {losses[-1]:.4f} at the end"
        if losses
        else "",
        settings=settings,
    )


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    steps = record.get("steps")
    planned = record.get("planned_steps")
    told = {
        "steps": f"{steps} of {planned} planned" if steps is not None else f"{planned} planned",
        "time": _duration(record),
        "trainer": f"{record.get('engine', '')}, {record.get('script', '')}",
        "base": Path(record.get("base", {}).get("path", "")).name,
        "went on from": Path(record.get("resumed_from") or "").name,
    }
    return [(name, value) for name, value in told.items() if value]


def _duration(record: Mapping[str, Any]) -> str:
    if "started" not in record or "ended" not in record:
        return ""
    spent = datetime.fromisoformat(record["ended"]) - datetime.fromisoformat(record["started"])
    return clock(spent.total_seconds())


def _all_settings(paths: ProjectPaths, run: RunPaths, record: Mapping[str, Any]) -> list[Setting]:
    """The run's own settings; of a stage that was not trained, the rendered ones."""
    files = (run.train_toml, run.dataset_toml)
    if not run.train_toml.is_file():
        files = (paths.train_toml(run.stage), paths.dataset_toml(run.stage))
    origins = record.get("origins") or read_json(run.origins) or {}
    return [setting for file in files for setting in _settings(file, origins)]


def _settings(file: Path, origins: Mapping[str, str]) -> Iterator[Setting]:
    """Every key outside the subsets, in the file's order."""
    if not file.is_file():
        return
    data = parse_toml(file)
    for section, table in data.items():
        for one in table if isinstance(table, list) else [table]:
            for key, value in one.items() if isinstance(one, dict) else ():
                if key == "subsets":
                    continue
                origin = origins.get(key, "")
                yield Setting(section, key, _shown(value), origin, by_user=origin in SET_BY_USER)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"…/{Path(text).name}" if text.startswith("/") else text
