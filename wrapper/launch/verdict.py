"""Did a run succeed? Told from the file that it made, not from its exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.errors import UserError


@dataclass(frozen=True)
class Verdict:
    """``faults`` is empty for a run that succeeded; ``steps`` is what the file says of itself."""

    faults: list[str] = field(default_factory=list)
    steps: int | None = None

    @property
    def ok(self) -> bool:
        return not self.faults


def stamp(path: Path) -> tuple[int, int] | None:
    """What tells a new file from the one that was there before; None for no file."""
    if not path.is_file():
        return None
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def judge(
    lora: Path, kind: str, before: tuple[int, int] | None, exit_code: int, planned_steps: int
) -> Verdict:
    """Succeeded means: exit code 0, a new file that loads, is finite and not zero, with the planned steps."""
    if stamp(lora) in (None, before):
        return Verdict([f"no new {lora.name} was written"])
    faults = [f"the trainer ended with exit code {exit_code}"] if exit_code else []
    try:
        steps = _steps(lora)
        faults += _verify(lora, kind)
    except UserError as error:
        return Verdict([*faults, error.message])
    if steps != planned_steps:
        faults.append(
            f"{lora.name} has {'no' if steps is None else steps} steps, {planned_steps} were planned"
        )
    return Verdict(faults, steps)


def _steps(lora: Path) -> int | None:
    from wrapper.safetensors_header import read_header

    text = read_header(lora).metadata.get("ss_steps", "")
    return int(text) if text.isdecimal() else None


def _verify(lora: Path, kind: str) -> list[str]:
    from wrapper.lora.verify import verify_lora

    return [str(fault) for fault in verify_lora(lora, kind)]
