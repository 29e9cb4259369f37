"""Trials on a real Ray cluster of two nodes: fractions of GPUs, and whatever is lost on the way."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dataset_tools.errors import UserError
from tests.sweep.fake_jobs import (
    ends,
    fake_job,
    held,
    nothing_is_left,
    starts,
    steps_done,
    wait_until,
    was_interrupted,
)
from wrapper.sweep.engines import Change, on_node, ray_cluster
from wrapper.sweep.engines.ray_cluster import RETRIES, by_ray, look

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'lorawrap[ray]'")
pytestmark = [pytest.mark.ray, pytest.mark.cluster, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Two nodes of two processors and one GPU each (Ray takes our word for it)."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 1})
    made.add_node(num_cpus=2, num_gpus=1)
    yield made
    made.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "свип 'x' 📷"


def worker_of(pid: int) -> psutil.Process:
    """The worker of Ray that started a trial; the guard stands between them."""
    guard = psutil.Process(pid).parent()
    assert guard is not None
    worker = guard.parent()
    assert worker is not None
    assert "trial_on_node" in " ".join(worker.cmdline())
    return worker


def test_four_trials_share_two_gpus(nodes: Any, folder: Path):
    jobs = [held(fake_job(folder, f"{number:03d}", 5), folder / "hold") for number in range(5)]
    told: list[Change] = []
    for change in by_ray(nodes.address, gpu_share=0.5)(jobs):
        told.append(change)
        if len(told) == 4:
            assert [one.kind for one in told] == ["started"] * 4
            (folder / "hold").unlink()
    assert {one.exit_code for one in told if one.kind == "ended"} == {0}
    assert sorted(one.trial for one in told if one.kind == "started") == [job.trial for job in jobs]
    assert all(", GPU 0" in one.where for one in told)
    assert all(steps_done(job) == 5 and starts(job)[0].gpu == "0" for job in jobs)
    assert jobs[0].log.read_text().splitlines()[-1] == "step 5"


def test_a_look_says_how_many_have_room_and_runs_nothing(nodes: Any):
    assert [look(nodes.address, gpu_share=share) for share in (None, 1, 0.5, 0)] == [2, 2, 4, 4]
    assert look(nodes.address, gpu_share=0, cpus=2) == 2
    assert look("local") is None
    with pytest.raises(UserError, match="no node of the cluster has 1 of a GPU and 3 processors"):
        look(nodes.address, cpus=3)
    with pytest.raises(UserError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        look("127.0.0.1:1")


def test_a_trial_that_fails_is_not_run_again(nodes: Any, folder: Path):
    jobs = [fake_job(folder, "bad", 2, exit_code=3), fake_job(folder, "good", 2)]
    assert ends(by_ray(nodes.address)(jobs)) == {"bad": 3, "good": 0}
    assert len(starts(jobs[0])) == 1


def test_a_worker_that_is_killed_costs_only_time(nodes: Any, folder: Path):
    job = fake_job(folder, "001", 100)
    told: list[Change] = []
    for change in by_ray(nodes.address)([job]):
        told.append(change)
        if len(told) == 1:
            wait_until(lambda: steps_done(job) > 5)
            worker_of(starts(job)[0].pids[0]).kill()
    assert [one.kind for one in told] == ["started", "started", "ended"]
    assert told[-1].exit_code == 0
    first, second = starts(job)
    assert first.step == 0
    assert second.step > 5
    assert nothing_is_left(job)


def test_a_guard_that_is_killed_costs_only_time(nodes: Any, folder: Path):
    """Ray kills what a worker has started before the worker itself, when their node is lost."""
    job = fake_job(folder, "001", 100)
    told: list[Change] = []
    for change in by_ray(nodes.address)([job]):
        told.append(change)
        if len(told) == 1:
            wait_until(lambda: steps_done(job) > 5)
            guard = psutil.Process(starts(job)[0].pids[0]).parent()
            assert guard is not None
            guard.kill()
    assert [one.kind for one in told] == ["started", "started", "ended"]
    assert told[-1].exit_code == 0
    assert starts(job)[1].step > 5
    assert nothing_is_left(job)


def test_a_trial_that_loses_its_worker_every_time_is_given_up(
    nodes: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    job = fake_job(folder, "001", 10_000)
    told: list[Change] = []
    for change in by_ray(nodes.address)([job]):
        told.append(change)
        if change.kind == "started":
            wait_until(lambda: len(starts(job)) == len(told))
            worker_of(starts(job)[-1].pids[0]).kill()
    assert [one.kind for one in told] == ["started"] * (RETRIES + 1) + ["ended"]
    assert told[-1].exit_code is None
    wait_until(lambda: nothing_is_left(job))


def test_a_node_that_is_lost_costs_only_time(nodes: Any, folder: Path):
    third = nodes.add_node(num_cpus=2, num_gpus=2)
    jobs = [fake_job(folder, f"{number:03d}", 100) for number in range(4)]
    began = 0
    found: dict[str, int | None] = {}
    for change in by_ray(nodes.address)(jobs):
        began += change.kind == "started"
        if began == 4 and third is not None:
            wait_until(lambda: all(steps_done(job) > 5 for job in jobs))
            nodes.remove_node(third, allow_graceful=False)
            third = None
        if change.kind == "ended":
            found[change.trial] = change.exit_code
    assert found == {job.trial: 0 for job in jobs}
    again = [job for job in jobs if len(starts(job)) > 1]
    assert len(again) == 2
    assert all(starts(job)[1].step > 5 for job in again)


def test_a_sweep_that_is_stopped_leaves_nothing(nodes: Any, folder: Path):
    jobs = [fake_job(folder, f"{number:03d}", 10_000) for number in range(3)]
    changes = by_ray(nodes.address)(jobs)
    assert [next(changes).kind, next(changes).kind] == ["started", "started"]
    wait_until(lambda: sum(steps_done(job) > 1 for job in jobs) == 2)
    changes.close()
    assert all(nothing_is_left(job) for job in jobs)
    assert sum(was_interrupted(job) for job in jobs) == 2


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_is_killed_leaves_nothing(nodes: Any, folder: Path, kind: signal.Signals):
    job = fake_job(folder, "001", 10_000)
    lines = [
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)",
        "from pathlib import Path; from tests.sweep.fake_jobs import fake_job",
        "from wrapper.sweep.engines.ray_cluster import by_ray",
        "list(by_ray(sys.argv[1])([fake_job(Path(sys.argv[2]), '001', 10_000)]))",
    ]
    sweep = subprocess.Popen([sys.executable, "-c", "\n".join(lines), nodes.address, str(folder)])
    wait_until(lambda: steps_done(job) > 1)
    os.kill(sweep.pid, kind)
    sweep.wait()
    wait_until(lambda: nothing_is_left(job))


def test_a_trial_that_no_node_can_run_is_refused(nodes: Any, folder: Path):
    with pytest.raises(UserError, match="no node of the cluster has 1 of a GPU and 64 processors"):
        next(by_ray(nodes.address, cpus=64)([fake_job(folder, "001", 1)]))


@pytest.mark.parametrize(
    ("address", "wanted"),
    [("127.0.0.1:1", "no Ray cluster at"), ("nonsense", "no Ray cluster's address")],
)
def test_no_cluster_is_one_sentence(folder: Path, address: str, wanted: str):
    with pytest.raises(UserError, match=f"sweep: .*{wanted}"):
        next(by_ray(address)([fake_job(folder, "001", 1)]))


def test_a_node_without_the_program_is_one_sentence(
    nodes: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a node is told to run lies in a module that only this machine has."""
    source = "from wrapper.sweep.engines.ray_cluster import trial_on_node as there\n"
    source += "def trial_on_node(*given):\n    yield from there(*given)\n"
    (tmp_path / "only_here.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ray_cluster, "trial_on_node", importlib.import_module("only_here").trial_on_node)
    with pytest.raises(UserError, match=r"a node of the cluster lacks this program \(.*only_here") as caught:
        next(by_ray(nodes.address)([fake_job(folder, "001", 1)]))
    assert caught.value.hint == "Install the same versions on every node."


def test_a_node_that_differs_is_named(
    nodes: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = fake_job(folder, "001", 1)
    elsewhere = job._replace(log=tmp_path / "not there" / "log.txt")
    with pytest.raises(UserError, match=r"does not see .*not there"):
        next(by_ray(nodes.address)([elsewhere]))
    monkeypatch.setattr(ray_cluster, "program", lambda: "lorawrap 99")
    monkeypatch.setattr(on_node, "program", lambda: "lorawrap 99")
    with pytest.raises(UserError, match=r"has lorawrap .*, this machine has lorawrap 99"):
        next(by_ray(nodes.address)([job]))
    assert starts(job) == []
