"""``--slurm-set KEY=VALUE``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import UserError
from tests.sweep.fake_jobs import fake_job
from wrapper.sweep.engines.ray_cluster import by_ray
from wrapper.sweep.engines.slurm import by_slurm
from wrapper.sweep.engines.slurm_settings import KINDS, OURS, TIME_MIN, settings_of


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("partition=gpu", {"partition": "gpu"}),
        ("gpus_per_node=a100:1", {"gpus_per_node": "a100:1"}),
        ("cpus_per_task=8", {"cpus_per_task": 8}),
        ("mem_gb=32", {"mem": "32768MB"}),
        ("mem=40G", {"mem": "40G"}),
        ("time=90", {"time": 90}),
        ("time=90:30", {"time": 91}),
        ("time=1:30:00", {"time": 90}),
        ("time=2-0", {"time": 2880}),
        ("time=1-6:30", {"time": 1830}),
        ("time=0-1:00:30", {"time": 61}),
        ("timeout_min=15", {"time": 15}),
        ("exclusive=true", {"exclusive": True}),
        ("exclusive=user", {"exclusive": "user"}),
        ("comment=a = b", {"comment": "a = b"}),
        ("setup=source env", {"setup": ["source env"]}),
        ("sbatch.nice=10", {"additional_parameters": {"nice": "10"}}),
        ("sbatch.contiguous=", {"additional_parameters": {"contiguous": True}}),
    ],
)
def test_what_is_given_is_what_submitit_is_told(given: str, wanted: dict[str, Any]):
    assert settings_of([given]) == {"time": TIME_MIN, **wanted}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("partion=gpu", "'partion' is no parameter of a Slurm job. Did you mean 'partition'?"),
        ("reservation=x", "For any other option of sbatch write sbatch.OPTION=VALUE."),
        ("nodes=2", "a trial is one process on one node"),
        ("job_name=x", "the sweep itself sets it"),
        ("sbatch.output=x", "the sweep itself sets it"),
        ("sbatch.a b=x", "the sweep itself sets it"),
        ("partition", "expected KEY=VALUE"),
        ("partition=", "the value is empty"),
        ("cpus_per_task=two", "expected a whole number"),
        ("mem_gb=-1", "expected a number above 0"),
        ("mem_gb=nan", "expected a number above 0"),
        ("sbatch.export=NONE", "name what a job is given"),
        ("time=soon", "expected minutes, H:MM:SS or D-HH:MM:SS"),
        ("time=0", "a trial needs some time"),
        ("comment=x\n#SBATCH --uid=0", "a line break cannot be given"),
        ("sbatch.comment=x\nrm -rf /", "a line break cannot be given"),
    ],
)
def test_what_cannot_be_is_said(given: str, wanted: str):
    with pytest.raises(UserError) as caught:
        settings_of([given])
    assert wanted in caught.value.message + caught.value.hint


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(UserError, match=r"(?s)partion.*time=soon"):
        settings_of(["partion=gpu", "account=me", "time=soon"])


def test_every_parameter_of_submitit_is_known():
    submitit = pytest.importorskip("submitit", reason="needs submitit: pip install 'lorawrap[slurm]'")
    theirs = submitit.SlurmExecutor._valid_parameters() | submitit.AutoExecutor._valid_parameters()
    assert theirs - {"num_gpus"} == KINDS.keys() | OURS.keys()


@pytest.mark.parametrize(
    ("module", "make", "wanted", "extra"),
    [
        ("submitit", lambda: by_slurm(Path("x")), "--slurm needs submitit", "lorawrap[slurm]"),
        ("ray", lambda: by_ray("auto"), "--ray needs Ray", "lorawrap[ray]"),
    ],
    ids=["slurm", "ray"],
)
def test_an_extra_that_is_missing_names_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, make: Any, wanted: str, extra: str
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=wanted) as caught:
        next(make()([fake_job(tmp_path, "001", 1)]))
    assert caught.value.hint == f"pip install '{extra}'"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"gpu_share": 1.5}, "not between 0 and 1"),
        ({"cpus": 1.5}, "whole processors"),
        ({"cpus": 0}, "whole processors"),
    ],
    ids=str,
)
def test_a_share_that_ray_does_not_give_is_refused(asked: dict[str, float], wanted: str):
    with pytest.raises(UserError, match=wanted):
        by_ray("auto", **asked)
