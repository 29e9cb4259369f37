"""Did a run succeed? Told from the file that it made, not from its exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.errors import UserError


@dataclass(frozen=True)
class Expected:
    """The run's ``steps``, and what the file says of itself then: a resumed run may be counted anew."""

    steps: int
    in_file: int


@dataclass(frozen=True)
class Verdict:
    """``faults`` is empty for a run that succeeded; ``steps`` is what was proved, and ``proof`` by what."""

    faults: list[str] = field(default_factory=list)
    steps: int | None = None
    proof: str = ""

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
    lora: Path, kind: str, before: tuple[int, int] | None, exit_code: int, expected: Expected, seen: int
) -> Verdict:
    """Succeeded means: exit code 0, a new file that loads, is finite and not zero, with the planned steps.

    Where the file says nothing of its steps (sd-scripts leaves the metadata empty beside masks), the last
    step ``seen`` in the log has to be the planned one.
    """
    if stamp(lora) in (None, before):
        return Verdict([f"no new {lora.name} was written"])
    faults = [_exited(exit_code)] if exit_code else []
    try:
        in_file = _steps(lora)
        faults += _verify(lora, kind)
    except UserError as error:
        return Verdict([*faults, error.message])
    if in_file is None:
        return _judged_by_log(faults, lora.name, expected.steps, seen)
    if in_file != expected.in_file:
        faults.append(f"{lora.name} has {in_file} steps, {expected.in_file} were planned")
        return Verdict(faults, in_file, "the file's metadata")
    return Verdict(faults, expected.steps, "the file's metadata")


def judge_helper(exit_code: int, expected: Expected, seen: int) -> Verdict:
    """The verdict on a machine that only helps: the LoRA is written on machine 0."""
    faults = [_exited(exit_code)] if exit_code else []
    return _judged_by_log(faults, "the run", expected.steps, seen)


def _judged_by_log(faults: list[str], name: str, planned: int, seen: int) -> Verdict:
    if seen != planned:
        faults.append(f"{name} says nothing of its steps, and the log shows {seen} of {planned}")
    return Verdict(faults, seen, "the log")


def _exited(exit_code: int) -> str:
    return f"the trainer ended with exit code {exit_code}"


def _steps(lora: Path) -> int | None:
    from wrapper.safetensors_header import read_header

    text = read_header(lora).metadata.get("ss_steps", "")
    return int(text) if text.isdecimal() else None


def _verify(lora: Path, kind: str) -> list[str]:
    from wrapper.lora.verify import verify_lora

    return [str(fault) for fault in verify_lora(lora, kind)]
