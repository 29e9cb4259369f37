"""``--slurm-set KEY=VALUE``: what the jobs of a sweep ask of Slurm, in submitit's own words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

from dataset_tools.errors import Problems, did_you_mean

Kind = Literal["text", "count", "number", "time", "switch", "lines"]
KINDS: dict[str, Kind] = {
    "partition": "text",
    "account": "text",
    "qos": "text",
    "time": "time",
    "timeout_min": "time",
    "gres": "text",
    "gpus_per_node": "text",
    "gpus_per_task": "text",
    "cpus_per_task": "count",
    "cpus_per_gpu": "count",
    "mem_gb": "number",
    "mem": "text",
    "mem_per_cpu": "text",
    "mem_per_gpu": "text",
    "constraint": "text",
    "nodelist": "text",
    "exclude": "text",
    "exclusive": "switch",
    "dependency": "text",
    "comment": "text",
    "wckey": "text",
    "mail_type": "text",
    "mail_user": "text",
    "signal_delay_s": "count",
    "setup": "lines",
    "teardown": "lines",
    "srun_args": "lines",
}
OURS = {
    **dict.fromkeys(("nodes", "tasks_per_node", "ntasks_per_node"), "a trial is one process on one node."),
    **dict.fromkeys(("name", "job_name", "array_parallelism"), "the sweep itself sets it."),
    **dict.fromkeys(("stderr_to_stdout", "use_srun", "additional_parameters"), "the sweep itself sets it."),
}
"""Parameters of submitit that cannot be given, and why."""
SBATCH = "sbatch."
"""Before an option of sbatch that submitit does not know: ``sbatch.reservation=class``."""
SBATCH_OURS = frozenset(
    ("array", "chdir", "error", "job-name", "nodes", "ntasks", "open-mode", "output", "signal", "wrap")
)
TIME_MIN = 240
"""Where no time is given: a trial that takes longer is put back into the queue, and goes on."""
_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


def settings_of(given: Sequence[str]) -> dict[str, Any]:
    """``["partition=gpu", "mem_gb=32"]`` → parameters of `submitit.SlurmExecutor`.

    ``setup``, ``teardown`` and ``srun_args`` may be given several times: each is a line more. All that is
    wrong is one UserError.
    """
    problems, found = Problems(), {"time": TIME_MIN}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        why = _refused(name) if equals else "expected KEY=VALUE."
        why = why or ("a line break cannot be given." if len(value.splitlines()) > 1 else "")
        if not why:
            why = _put(found, name, value.strip())
        if why:
            problems.add(f"--slurm-set {text}", why)
    problems.raise_if_any()
    return found


def _refused(name: str) -> str:
    if name.startswith(SBATCH):
        option = name.removeprefix(SBATCH)
        ours = option in SBATCH_OURS or not re.fullmatch(r"[a-z][a-z-]*", option)
        return "cannot be given: the sweep itself sets it." if ours else ""
    if name in OURS:
        return f"'{name}' cannot be given: {OURS[name]}"
    if name not in KINDS:
        hint = did_you_mean(name, KINDS) or f"For any other option of sbatch write {SBATCH}OPTION=VALUE."
        return f"'{name}' is no parameter of a Slurm job. {hint}"
    return ""


def _put(found: dict[str, Any], name: str, value: str) -> str:
    """Add one setting; why it cannot be, or nothing."""
    if name == f"{SBATCH}export" and value.upper() in ("", "NONE", "NIL"):
        return "name what a job is given: PATH,HOME."
    if name.startswith(SBATCH):
        found.setdefault("additional_parameters", {})[name.removeprefix(SBATCH)] = value or True
        return ""
    try:
        read = _read(KINDS[name], value)
    except ValueError as error:
        return str(error)
    if KINDS[name] == "lines":
        found.setdefault(name, []).append(read)
    elif name == "mem_gb":
        found["mem"] = f"{math.ceil(read * 1024)}MB"
    else:
        found["time" if name == "timeout_min" else name] = read
    return ""


def _read(kind: Kind, value: str) -> Any:
    if not value:
        raise ValueError("the value is empty.")
    if kind == "switch":
        return {"true": True, "false": None}.get(value.lower(), value)
    if kind == "count":
        if not value.isdecimal():
            raise ValueError("expected a whole number.")
        return int(value)
    if kind == "number":
        return _positive(value)
    return _minutes(value) if kind == "time" else value


def _positive(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise ValueError("expected a number above 0.")
    return number


def _minutes(value: str) -> int:
    """Slurm's own forms: ``90``, ``90:00``, ``1:30:00``, ``1-0``, ``1-6:00``, ``1-6:00:00``."""
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError("expected minutes, H:MM:SS or D-HH:MM:SS.")
    days, *parts = match.groups()
    numbers = [int(part) for part in parts if part is not None]
    if days is None:
        hours, minutes, seconds = [[0, *numbers, 0], [0, *numbers], numbers][len(numbers) - 1]
    else:
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
    total = math.ceil(int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60)
    if total < 1:
        raise ValueError("a trial needs some time.")
    return total
