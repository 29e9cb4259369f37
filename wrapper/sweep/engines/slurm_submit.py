"""A trial handed to Slurm through submitit, or why Slurm does not take it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.sweep.engines import Job
from wrapper.sweep.engines.on_node import program
from wrapper.sweep.engines.slurm_job import RESTARTS, JobFolder, TrialOnNode


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
        raise Refused(
            f"sweep: Slurm does not take the job ({_last_line(error)})",
            "Mend --slurm-set; sinfo shows the partitions.",
        ) from error


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].removeprefix("sbatch: error: ").removeprefix("Batch job submission failed: ")
