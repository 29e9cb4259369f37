"""A trial handed to Slurm through submitit, or why Slurm does not take it."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.sweep.engines import Job
from wrapper.sweep.engines.on_node import program
from wrapper.sweep.engines.slurm_job import RESTARTS, JobFolder, TrialOnNode
from wrapper.sweep.engines.slurm_queue import TIMEOUT_S

NO_OPTIONS = frozenset(("setup", "teardown", "srun_args", "signal_delay_s", "additional_parameters"))
"""Settings of a job that sbatch has no option for."""


class Refused(UserError):  # noqa: N818 - what Slurm says, not a fault of this program
    """sbatch does not take a job: never, or not now."""


def check_submitit() -> None:
    """UserError where the extra is not installed."""
    try:
        import submitit  # noqa: F401
    except ImportError as error:
        raise UserError(
            "sweep: --slurm needs submitit, which is not installed", "pip install 'lorawrap[slurm]'"
        ) from error


def check_folder(folder: Path) -> None:
    """UserError where Slurm would read a path in its own way."""
    if "%" in str(folder.absolute()) or "\\" in str(folder.absolute()):
        raise UserError(
            f"sweep: {folder}: Slurm takes % and \\ in paths for more than letters.", "Rename that folder."
        )


def check_settings(settings: Mapping[str, Any]) -> None:
    """Ask sbatch itself whether it would take a job of these ``settings``. Raises `Refused`."""
    argv = ["sbatch", "--test-only", *_options(settings), "--wrap=true"]
    try:
        done = subprocess.run(
            argv, capture_output=True, timeout=TIMEOUT_S, encoding="utf-8", errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(str(error)) from error
    if done.returncode:
        raise _refused(done.stderr)


def _options(settings: Mapping[str, Any]) -> Iterator[str]:
    """As submitit writes them into a job's script."""
    for name, value in {**settings, **settings.get("additional_parameters", {})}.items():
        if name not in NO_OPTIONS and value is not None:
            yield f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")


def submit(job: Job, folder: JobFolder, name: str, settings: Mapping[str, Any]) -> str:
    """The id of the job that will run ``job``. Raises `Refused`."""
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedSubmissionError, UncompletedJobError

    more = {"requeue": True, **settings.get("additional_parameters", {})}
    if "export" in more:
        more["export"] += ",SUBMITIT_EXECUTOR"
    executor = SlurmExecutor(folder.path, max_num_timeout=RESTARTS)
    # submitit's own wckey is not known to a cluster that asks for one
    executor.update_parameters(**{"wckey": None, **settings, "job_name": name, "additional_parameters": more})
    try:
        with redirect_stderr(io.StringIO()):
            return str(executor.submit(TrialOnNode(job, folder, program())).job_id)
    except (UncompletedJobError, FailedSubmissionError, OSError) as error:
        raise _refused(str(error).strip() or type(error).__name__) from error


def _refused(said: str) -> Refused:
    """By the last line of what sbatch says."""
    last = (said.strip().splitlines() or ["without a word"])[-1]
    for start in ("sbatch: error: ", "Batch job submission failed: ", "allocation failure: "):
        last = last.removeprefix(start)
    return Refused(
        f"sweep: Slurm does not take the job ({last})", "Mend --slurm-set; sinfo shows the partitions."
    )
