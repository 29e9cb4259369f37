"""The form of ``run.json``, as far as anything is read out of it; other fields may be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field, ValidationError


class _Part(BaseModel):
    """From one start of the trainer to its end."""

    output: str
    done: int
    counted_from: int
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None


class _Process(BaseModel):
    pid: int
    host: str | None = None
    started: str = ""


class _Record(BaseModel):
    status: str = "unknown"
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    segments: list[_Part] = []
    process: _Process | None = None
    loss: float | None = None
    steps: int | None = None
    steps_seen: int | None = None
    steps_per_epoch: int | None = Field(None, gt=0)
    faults: list[str] = []
    notices: list[str] = []
    lora: dict[str, Any] = {}
    base: dict[str, Any] = {}
    files: dict[str, Any] = {}
    machine: dict[str, Any] = {}
    versions: dict[str, Any] = {}
    processes: dict[str, Any] = {}
    config: dict[str, Any] = {}
    sd_scripts: dict[str, Any] = {}


def is_record(data: Mapping[str, Any]) -> bool:
    """Whether every field that is read has the type that it is written with."""
    try:
        _Record.model_validate(data)
    except (ValidationError, RecursionError):
        return False
    return True
