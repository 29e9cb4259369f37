"""Stand-ins of Slurm's commands: each job is a line in a file, which the test changes as a cluster would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = {
    "sbatch": """
if [ -e "$FAKE/refuses" ] && [ ! -e "$FAKE/room" ]; then cat "$FAKE/refuses" >&2; exit 1; fi
if [ "$1" = --test-only ]; then printf '%s\\n' "$@" > "$FAKE/tested"; exit 0; fi
rm -f "$FAKE/room"
number=$(( $(cat "$FAKE/last" 2>/dev/null || echo 0) + 1 ))
echo $number > "$FAKE/last"
echo "PENDING||N/A|Resources" > "$FAKE/$number.job"
echo "Submitted batch job $number"
""",
    "squeue": """
[ -e "$FAKE/silent" ] && exit 1
for file in "$FAKE"/*.job; do
    [ -e "$file" ] && echo "$(basename "$file" .job)|$(cat "$file")"
done
exit 0
""",
    "scancel": 'for number in "$@"; do echo "CANCELLED||N/A|None" > "$FAKE/$number.job"; done',
    "sacct": '[ -e "$FAKE/accounting" ] || exit 1; cat "$FAKE/accounting"',
    "srun": "exit 1",
}


class StandIn:
    """What the commands say, and what was submitted."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = folder / "queue"
        self.state.mkdir()
        for name, text in SCRIPTS.items():
            path = folder / name
            path.write_text(f"#!/bin/sh\n{text}")
            path.chmod(0o755)
        monkeypatch.setenv("FAKE", str(self.state))
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def submitted(self) -> int:
        last = self.state / "last"
        return int(last.read_text()) if last.exists() else 0

    def tested(self) -> list[str]:
        """The arguments of the last ``sbatch --test-only``."""
        return (self.state / "tested").read_text().splitlines()

    def put(
        self, number: int, state: str, nodes: str = "", started: str = "N/A", reason: str = "None"
    ) -> None:
        (self.state / f"{number}.job").write_text(f"{state}|{nodes}|{started}|{reason}\n")

    def forget(self, number: int) -> None:
        (self.state / f"{number}.job").unlink()

    def sign(self, name: str, text: str = "") -> Path:
        """``refuses`` (sbatch, with a text), ``room`` (but one more job), ``silent``, ``accounting``."""
        path = self.state / name
        path.write_text(text)
        return path


def run_on_node(folder: Path, number: int, **env: str) -> subprocess.CompletedProcess[str]:
    """What a job's script does on its node, for submitit's ``folder`` of a trial."""
    command = [sys.executable, "-m", "submitit.core._submit", str(folder)]
    on_node = {
        "SLURM_JOB_ID": str(number),
        "SUBMITIT_EXECUTOR": "slurm",
        "SLURMD_NODENAME": "b",
        "CUDA_VISIBLE_DEVICES": "1",
    }
    return subprocess.run(
        command, env={**os.environ, **on_node, **env}, capture_output=True, text=True, check=False
    )
