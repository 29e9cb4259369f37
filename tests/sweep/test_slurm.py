"""Trials on a real Slurm of two nodes: at once, followed, cancelled, put back, and after a lost node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

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
from tests.sweep.local_slurm import LocalSlurm, missing
from wrapper.sweep.engines import Change, Engine, Job
from wrapper.sweep.engines.slurm import by_slurm, cancel_queued, look, queued
from wrapper.sweep.engines.slurm_settings import settings_of

pytest.importorskip("submitit", reason="needs submitit: pip install 'lorawrap[slurm]'")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is here"),
]


@pytest.fixture(scope="module")
def slurm() -> Iterator[LocalSlurm]:
    made = LocalSlurm()
    before = dict(os.environ)
    try:
        made.start()
        os.environ.update(made.environment)
        yield made
    finally:
        made.stop()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def hurried(slurm: LocalSlurm) -> Iterator[LocalSlurm]:
    """Jobs that are put back start again at once."""
    stop = threading.Event()

    def hurry() -> None:
        while not stop.wait(1):
            slurm.hurry()

    thread = threading.Thread(target=hurry)
    thread.start()
    yield slurm
    stop.set()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "проект" / "sweeps" / "lr 'x' 📷"


def on_slurm(folder: Path, *given: str) -> Engine:
    return by_slurm(folder, settings=settings_of(given), poll_s=0.3, late_s=3)


def followed(engine: Engine, job: Job, at_first_start: Callable[[Change], None]) -> list[Change]:
    """All changes of one trial; something is done to it once it has made some steps."""
    told: list[Change] = []
    for change in engine([job]):
        told.append(change)
        if len(told) == 1:
            wait_until(lambda: steps_done(job) > 5)
            at_first_start(change)
    return told


def test_four_trials_at_once_on_two_nodes(slurm: LocalSlurm, folder: Path):
    jobs = [held(fake_job(folder / "trials", f"{number:03d}", 5), folder / "hold") for number in range(5)]
    told: list[Change] = []
    for change in on_slurm(folder, "gres=gpu:1")(jobs):
        told.append(change)
        if len(told) == 4:
            assert [one.kind for one in told] == ["started"] * 4
            (folder / "hold").unlink()
    assert {one.where.split()[-1] for one in told if one.kind == "started"} == {"a", "b"}
    assert {one.exit_code for one in told if one.kind == "ended"} == {0}
    assert sorted(starts(job)[0].gpu for job in jobs[:4]) == ["0", "0", "1", "1"]
    assert told[-1].where.startswith("Slurm job 5 on node ")
    assert ", GPU " in told[-1].where
    assert jobs[0].log.read_text().splitlines()[-1] == "step 5"


def test_a_look_asks_slurm_and_submits_nothing(slurm: LocalSlurm, folder: Path):
    look(folder, settings_of(("gres=gpu:1", "cpus_per_task=1", "time=1:00:00", "mem_gb=0.1")))
    with pytest.raises(UserError, match=r"does not take the job .*partition"):
        look(folder, settings_of(("partition=nowhere",)))
    assert queued(folder) == {}
    assert not folder.exists()


def test_a_job_is_given_what_was_named(slurm: LocalSlurm, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    monkeypatch.chdir(Path(__file__).parents[2])
    plain = fake_job(folder / "trials", "001", 1)
    listed = plain._replace(argv=("sh", "-c", 'env; exec "$@"', "sh", *plain.argv))
    assert ends(on_slurm(folder, "sbatch.export=PATH,HOME")([listed])) == {"001": 0}
    environment = listed.log.read_text()
    assert "TRIAL=001" in environment
    assert "hf_verysecret" not in environment


def test_one_fails_and_one_is_cancelled(slurm: LocalSlurm, folder: Path):
    bad, long = fake_job(folder / "trials", "bad", 2, 3), fake_job(folder / "trials", "long", 10_000)
    found: dict[str, int | None] = {}
    for change in on_slurm(folder)([bad, long]):
        if change.kind == "started" and change.trial == "long":
            wait_until(lambda: steps_done(long) > 1)
            slurm.command("scancel", change.where.split()[2])
        if change.kind == "ended":
            found[change.trial] = change.exit_code
    assert found == {"bad": 3, "long": 143}
    assert len(starts(bad)) == len(starts(long)) == 1
    wait_until(lambda: nothing_is_left(long))
    assert was_interrupted(long)


def test_whoever_starts_the_sweep_again_follows(slurm: LocalSlurm, folder: Path):
    jobs = [held(fake_job(folder / "trials", f"{number:03d}", 5), folder / "hold") for number in range(2)]
    lines = [
        "import sys; from pathlib import Path; from tests.sweep.fake_jobs import fake_job, held",
        "from wrapper.sweep.engines.slurm import by_slurm; folder = Path(sys.argv[1])",
        "jobs = [held(fake_job(folder / 'trials', f'{n:03d}', 5), folder / 'hold') for n in range(2)]",
        "list(by_slurm(folder)(jobs))",
    ]
    first = subprocess.Popen([sys.executable, "-c", "\n".join(lines), str(folder)])
    wait_until(lambda: all(steps_done(job) == 5 for job in jobs))
    first.send_signal(signal.SIGKILL)
    first.wait()
    there = queued(folder)
    assert there.keys() == {"000", "001"}
    changes = on_slurm(folder)(jobs)
    assert {next(changes).where.split()[2] for _ in range(2)} == set(there.values())
    (folder / "hold").unlink()
    assert ends(changes) == {"000": 0, "001": 0}
    assert all(len(starts(job)) == 1 for job in jobs)
    assert queued(folder) == {}


def test_a_trial_that_is_out_of_time_is_put_back_and_goes_on(hurried: LocalSlurm, folder: Path):
    """Slurm warns it after a minute, and would kill it a minute later: it has time on a busy machine, too."""
    job = held(fake_job(folder / "trials", "001", 20), folder / "hold")
    told: list[Change] = []
    for change in on_slurm(folder, "time=2", "signal_delay_s=60")([job]):
        told.append(change)
        if was_interrupted(job):
            (folder / "hold").unlink(missing_ok=True)
    assert [one.kind for one in told] == ["started", "started", "ended"]
    assert told[-1].exit_code == 0
    assert len({one.where.split()[2] for one in told}) == 1
    assert starts(job)[-1].step == 20
    assert was_interrupted(job)
    assert nothing_is_left(job)


def test_a_trial_that_has_to_make_room_goes_on_later(hurried: LocalSlurm, folder: Path):
    job = fake_job(folder / "trials", "001", 100)
    urgent = ("sbatch", "-p", "urgent", "-w", "a", "-c", "4", "-o", "/dev/null", "--wrap", "sleep 2")
    engine = on_slurm(folder, "cpus_per_task=4", "nodelist=a")
    told = followed(engine, job, lambda _: hurried.command(*urgent))
    assert [one.kind for one in told] == ["started", "started", "ended"]
    assert told[-1].exit_code == 0
    assert starts(job)[1].step > 5
    assert was_interrupted(job)
    assert nothing_is_left(job)


def test_a_node_that_is_lost_costs_only_time(hurried: LocalSlurm, folder: Path):
    job = fake_job(folder / "trials", "001", 100)
    told = followed(on_slurm(folder), job, lambda change: hurried.lose_node(change.where[-1]))
    lost = told[0].where[-1]
    hurried.start_node(lost)
    assert [one.kind for one in told] == ["started", "started", "ended"]
    assert told[1].where[-1] != lost
    assert told[-1].exit_code == 0
    assert starts(job)[1].step > 5


def test_a_keeper_of_a_job_that_is_killed_costs_nothing(slurm: LocalSlurm, folder: Path):
    """What it kept goes on by itself, and its word counts."""
    job = fake_job(folder / "trials", "001", 60)

    def kill(change: Change) -> None:
        for keeper in slurm.keepers(change.where[-1]):
            keeper.kill()

    told = followed(on_slurm(folder), job, kill)
    assert told[-1].exit_code == 0
    assert len(starts(job)) == 1
    slurm.command("scancel", told[0].where.split()[2])


def test_all_of_a_sweep_is_cancelled(slurm: LocalSlurm, folder: Path):
    jobs = [fake_job(folder / "trials", f"{number:03d}", 10_000) for number in range(3)]
    changes = on_slurm(folder, "cpus_per_task=4")(jobs)
    next(changes)
    changes.close()
    wait_until(lambda: sum(steps_done(job) > 1 for job in jobs) >= 1)
    assert len(cancel_queued(folder)) == 3
    wait_until(lambda: queued(folder) == {} and all(nothing_is_left(job) for job in jobs))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("partition=nope", "Invalid partition name specified"),
        ("gres=gpu:9", "Requested node configuration is not available"),
    ],
)
def test_what_slurm_refuses_is_one_sentence(slurm: LocalSlurm, folder: Path, given: str, why: str):
    with pytest.raises(UserError, match=f"Slurm does not take the job .{why}"):
        next(on_slurm(folder, given)([fake_job(folder / "trials", "001", 1)]))


def test_what_slurm_takes_and_cannot_run_is_told(slurm: LocalSlurm, folder: Path):
    said: list[str] = []
    settings = settings_of(["cpus_per_task=64"])
    changes = by_slurm(folder, settings=settings, tell=said.append, poll_s=0.3, late_s=0)
    job = fake_job(folder / "trials", "001", 1)
    stop = threading.Thread(target=lambda: (wait_until(lambda: bool(said)), cancel_queued(folder)))
    stop.start()
    assert ends(changes([job])) == {"001": 143}
    stop.join()
    assert said[0].endswith("waits: PartitionConfig.")
