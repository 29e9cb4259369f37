"""Each trial keeps to its own GPU, down to the process that trains."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.sweep.fake_jobs import ends
from wrapper.launch.processes import processes
from wrapper.sweep.engines import Job
from wrapper.sweep.engines.local import by_slots
from wrapper.sweep.engines.slots import slots

SAYS = "import os, sys; open(sys.argv[1], 'w').write(os.environ.get('CUDA_VISIBLE_DEVICES', ''))"
OWN = "compute_environment: LOCAL_MACHINE\ndistributed_type: 'NO'\ngpu_ids: '0'\nnum_processes: 1\n"


def test_the_trainer_of_each_trial_sees_its_gpu_whatever_accelerate_was_configured_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """``accelerate config`` asks for GPUs, and its answer went before what the sweep had given to a trial."""
    config = tmp_path / "hf" / "accelerate" / "default_config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(OWN)
    script = tmp_path / "says 'q' 🙂.py"
    script.write_text(SAYS)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-b")
    launcher = processes("cuda").launcher("no", 1)
    jobs = [
        Job(name, (sys.executable, *launcher, str(script), str(tmp_path / name)), {}, tmp_path / "log.txt")
        for name in ("001", "002")
    ]
    assert ends(by_slots(slots(2, "all"))(jobs)) == {"001": 0, "002": 0}
    assert {(tmp_path / job.trial).read_text() for job in jobs} == {"4", "GPU-b"}
