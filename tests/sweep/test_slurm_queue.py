"""What becomes of trials on Slurm, by stand-ins of its commands; submitit itself is real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dataset_tools.errors import UserError
from tests.sweep.fake_jobs import fake_job, starts, steps_done
from tests.sweep.slurm_stand_in import StandIn, run_on_node
from wrapper.cli.sweep_engines import where_of
from wrapper.sweep.engines import Change
from wrapper.sweep.engines import slurm as engine
from wrapper.sweep.engines.slurm import by_slurm, cancel_queued, look, queued, refuse_queued
from wrapper.sweep.engines.slurm_following import RETRIES
from wrapper.sweep.engines.slurm_job import RESTARTS, Ended, JobFolder
from wrapper.sweep.engines.slurm_settings import settings_of

pytest.importorskip("submitit", reason="needs submitit: pip install 'lorawrap[slurm]'")


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    (tmp_path / "commands").mkdir()
    return StandIn(tmp_path / "commands", monkeypatch)


class Sweep:
    """A sweep of ``names`` on Slurm. Between two looks at the queue the next of ``steps`` is done."""

    def __init__(self, slurm: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slurm, self.folder, self._monkeypatch = slurm, folder, monkeypatch
        self.said: list[str] = []
        self.jobs: list[Any] = []

    def engine(self, *names: str, given: tuple[str, ...] = (), late_s: float = 0) -> Any:
        self.jobs = [fake_job(self.folder / "trials", name, 2) for name in names]
        settings = settings_of(given)
        return by_slurm(self.folder, settings=settings, tell=self.said.append, late_s=late_s)(self.jobs)

    def told(self, *names: str, steps: tuple[Callable[[], Any], ...], late_s: float = 0) -> list[Change]:
        rest = iter(steps)
        pause = SimpleNamespace(sleep=lambda _: next(rest)())
        self._monkeypatch.setattr(engine, "time", pause)
        return list(self.engine(*names, late_s=late_s))

    def runs(self, number: int = 1, node: str = "a", since: str = "09:00") -> Callable[[], None]:
        return lambda: self.slurm.put(number, "RUNNING", node, since)

    def stands(self, number: int, state: str, reason: str = "None") -> Callable[[], None]:
        return lambda: self.slurm.put(number, state, "a", "N/A", reason)

    def says(
        self, number: int, code: int | None = 0, trial: str = "001", fault: str = ""
    ) -> Callable[[], None]:
        return lambda: self.files(trial).write_ended(str(number), Ended(code, "node a", fault))

    def files(self, trial: str = "001") -> JobFolder:
        return JobFolder(self.folder / "slurm" / trial)


@pytest.fixture
def sweep(slurm: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    return Sweep(slurm, tmp_path / "проект" / "sweeps" / "lr 'x' 📷", monkeypatch)


def test_a_look_submits_nothing_and_asks_for_what_a_job_would(sweep: Sweep):
    given = (
        "partition=gpu",
        "mem_gb=2",
        "exclusive=true",
        "setup=module load cuda",
        "sbatch.reservation=c 1",
    )
    assert look(sweep.folder, settings_of(given)) is None
    assert sweep.slurm.tested() == [
        "--test-only",
        "--time=240",
        "--partition=gpu",
        "--mem=2048MB",
        "--exclusive",
        "--reservation=c 1",
        "--wrap=true",
    ]
    assert sweep.slurm.submitted() == 0


@pytest.mark.parametrize("sign", ["refuses", "silent"])
def test_a_look_says_why_a_sweep_would_not_begin(sweep: Sweep, sign: str):
    sweep.slurm.sign(sign, "allocation failure: Invalid partition name specified")
    expected = {"refuses": r"does not take the job \(Invalid partition", "silent": "squeue does not answer"}
    with pytest.raises(UserError, match=expected[sign]):
        look(sweep.folder, settings_of(()))


def kinds(told: list[Change]) -> list[str]:
    return [one.kind for one in told]


def test_a_trial_waits_runs_and_ends(sweep: Sweep):
    told = sweep.told("001", steps=(lambda: None, sweep.runs(), lambda: None, sweep.says(1, 3)))
    assert told == [
        Change("001", "started", "Slurm job 1 on node a"),
        Change("001", "ended", "Slurm job 1 on node a", 3),
    ]
    assert sweep.said == []


def test_one_that_is_over_before_it_was_seen_running_was_started_too(sweep: Sweep):
    assert kinds(sweep.told("001", steps=(sweep.says(1),))) == ["started", "ended"]


def test_a_job_asks_for_what_was_set_and_holds_no_secret(
    sweep: Sweep, slurm: StandIn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    given = ("partition=gpu", "mem_gb=1.5", "gres=gpu:a100:1", "time=1:30:00", "setup=module load cuda")
    monkeypatch.setattr(engine, "time", SimpleNamespace(sleep=lambda _: sweep.says(1)()))
    list(sweep.engine("001", given=(*given, "sbatch.reservation=class")))
    script = (sweep.files().path / "1_submission.sh").read_text()
    lines = script.splitlines()
    for line in ("partition=gpu", "mem=1536MB", "gres=gpu:a100:1", "time=90", "reservation=class", "requeue"):
        assert f"#SBATCH --{line}" in lines
    assert "module load cuda" in lines
    assert "wckey" not in script
    written = [path for path in sweep.folder.rglob("*") if path.is_file()]
    assert len(written) >= 4
    assert not any(b"hf_verysecret" in path.read_bytes() for path in written)


def test_what_sbatch_says_is_one_sentence(sweep: Sweep, slurm: StandIn):
    why = "invalid partition specified: nope\nsbatch: error: Batch job submission failed: X\n"
    slurm.sign("refuses", f"sbatch: error: {why}")
    with pytest.raises(UserError, match=r"sweep: Slurm does not take the job \(X\)"):
        next(sweep.engine("001"))
    assert queued(sweep.folder) == {}


def test_a_full_queue_is_waited_for(sweep: Sweep, slurm: StandIn):
    slurm.sign("refuses", "sbatch: error: Batch job submission failed: QOSMaxSubmitJobPerUserLimit")
    slurm.sign("room")
    one_more = (sweep.says(1), lambda: None, sweep.says(2, trial="002"))
    told = sweep.told("001", "002", steps=(lambda: slurm.sign("room"), *one_more))
    assert [(one.trial, one.exit_code) for one in told if one.kind == "ended"] == [("001", 0), ("002", 0)]
    assert len(sweep.said) == 1
    assert "QOSMaxSubmitJobPerUserLimit" in sweep.said[0]


def test_who_starts_the_sweep_again_follows_its_jobs(sweep: Sweep, slurm: StandIn):
    with pytest.raises(KeyboardInterrupt):
        sweep.told("001", "002", steps=(sweep.runs(1), _interrupt))
    assert "2 jobs of Slurm went on: `lorawrap sweep run 'lr '\"'\"'x'" in sweep.said[0]
    assert queued(sweep.folder) == {"001": "1", "002": "2"}
    with pytest.raises(UserError, match=r"Slurm has trials of .* in its queue \(job 1, 2\)"):
        refuse_queued(sweep.folder)
    told = sweep.told("001", "002", steps=(sweep.says(1), sweep.says(2, trial="002")))
    assert slurm.submitted() == 2
    assert [(one.trial, one.exit_code) for one in told if one.kind == "ended"] == [("001", 0), ("002", 0)]
    assert sweep.said[1] == "2 trials in Slurm's queue already: followed, not submitted again."


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_a_trial_whose_job_is_over_is_submitted_anew_when_it_is_wanted_again(sweep: Sweep, slurm: StandIn):
    sweep.told("001", steps=(sweep.says(1, 1),))
    slurm.put(1, "FAILED")
    told = sweep.told("001", steps=(sweep.says(2, 0),))
    assert told[-1] == Change("001", "ended", "Slurm job 2 on node a", 0)


@pytest.mark.parametrize(("state", "code"), [("CANCELLED", 143), ("OUT_OF_MEMORY", 137)])
def test_a_trial_that_was_ended_is_not_run_again(sweep: Sweep, slurm: StandIn, state: str, code: int):
    told = sweep.told("001", steps=(sweep.runs(), sweep.stands(1, state)))
    assert told[-1] == Change("001", "ended", f"Slurm job 1 on node a, {state}", code)
    assert slurm.submitted() == 1


@pytest.mark.parametrize("state", ["NODE_FAIL", "PREEMPTED", "TIMEOUT", "BOOT_FAIL", "FAILED", "COMPLETED"])
def test_a_job_that_ended_without_a_word_of_the_trial_is_lost(sweep: Sweep, slurm: StandIn, state: str):
    lost = tuple(sweep.stands(number, state) for number in range(1, RETRIES + 2))
    told = sweep.told("001", steps=lost)
    assert told == [Change("001", "ended", f"Slurm job {RETRIES + 1} on node a, {state}", None)]
    assert slurm.submitted() == RETRIES + 1
    assert sweep.said[0] == f"Slurm job 1 was lost (node a, {state}) and is submitted anew."


def test_why_a_job_was_lost_is_what_it_complained_of(sweep: Sweep, slurm: StandIn):
    def fail() -> None:
        slurm.put(1, "FAILED", "a", reason="NonZeroExitCode")
        complaints = "ImportError: no\n\nsrun: error: a: task 0: Exited\n"
        (sweep.files().path / "1_0_log.err").write_text(complaints)

    ending = sweep.stands(1, "COMPLETING", "NonZeroExitCode")
    sweep.told("001", steps=(ending, fail, sweep.says(2)))
    assert sweep.said == ["Slurm job 1 was lost (node a, FAILED) and is submitted anew. ImportError: no"]


def test_the_word_of_a_job_may_come_late(sweep: Sweep, slurm: StandIn):
    told = sweep.told("001", steps=(sweep.stands(1, "COMPLETED"), lambda: None, sweep.says(1)), late_s=60)
    assert told[-1].exit_code == 0
    assert slurm.submitted() == 1


def test_a_job_that_is_put_back_starts_once_more(sweep: Sweep, slurm: StandIn):
    back = (sweep.runs(), sweep.stands(1, "NODE_FAIL"), sweep.stands(1, "PENDING", "BeginTime"))
    told = sweep.told("001", steps=(*back, sweep.runs(1, "b", "10:00"), sweep.says(1)), late_s=60)
    assert [(one.kind, one.where) for one in told[:2]] == [
        ("started", "Slurm job 1 on node a"),
        ("started", "Slurm job 1 on node b"),
    ]
    assert slurm.submitted() == 1


def test_a_slurm_that_does_not_answer_is_not_a_lost_job(sweep: Sweep, slurm: StandIn):
    silent = slurm.state / "silent"
    steps = (sweep.runs(), silent.touch, lambda: None, silent.unlink, sweep.says(1))
    assert kinds(sweep.told("001", steps=steps)) == ["started", "ended"]
    assert sweep.said == ["Slurm's squeue does not answer now; its jobs go on."]
    silent.touch()
    with pytest.raises(UserError, match="squeue does not answer"):
        next(sweep.engine("001"))


def test_what_has_left_the_queue_is_asked_of_the_accounting(sweep: Sweep, slurm: StandIn):
    slurm.sign("accounting", "1|CANCELLED by 1000|b\n")
    told = sweep.told("001", steps=(sweep.runs(), lambda: slurm.forget(1)))
    assert told[-1] == Change("001", "ended", "Slurm job 1 on node b, CANCELLED", 143)


def test_without_accounting_a_job_that_is_gone_is_lost(sweep: Sweep, slurm: StandIn):
    sweep.told("001", steps=(lambda: slurm.forget(1), sweep.says(2)))
    assert sweep.said == ["Slurm job 1 was lost (gone) and is submitted anew."]


def test_why_a_job_waits_is_said_where_it_may_wait_for_ever(sweep: Sweep, slurm: StandIn):
    held = sweep.stands(1, "PENDING", "PartitionTimeLimit")
    sweep.told("001", steps=(held, held, sweep.says(1)))
    assert sweep.said == ["Slurm job 1 waits: PartitionTimeLimit."]


def test_all_jobs_of_a_sweep_are_cancelled(sweep: Sweep, slurm: StandIn):
    with pytest.raises(KeyboardInterrupt):
        sweep.told("001", "002", "003", steps=(sweep.says(1), _interrupt))
    slurm.put(1, "COMPLETED")
    assert cancel_queued(sweep.folder) == {"002": "2", "003": "3"}
    assert queued(sweep.folder) == {}
    assert cancel_queued(sweep.folder) == {}


def test_a_sweep_that_a_failure_stops_leaves_nothing_in_the_queue(sweep: Sweep, slurm: StandIn):
    given = dict.fromkeys(("at_once", "ray", "gpu_share", "cpus"))
    where = where_of({**given, "gpus": "", "per_gpu": 1, "slurm": True, "slurm_set": ("partition=gpu",)})
    with pytest.raises(KeyboardInterrupt):
        sweep.told("001", "002", steps=(_interrupt,))
    where.stop(sweep.folder)
    assert queued(sweep.folder) == {}


def test_a_node_runs_what_was_submitted(sweep: Sweep, slurm: StandIn):
    with pytest.raises(KeyboardInterrupt):
        sweep.told("001", steps=(_interrupt,))
    done = run_on_node(sweep.files().path, 1)
    assert done.returncode == 0
    assert sweep.files().ended("1") == Ended(0, "node b, GPU 1")
    assert steps_done(sweep.jobs[0]) == 2
    assert starts(sweep.jobs[0])[0].trial == "001"
    assert sweep.jobs[0].log.read_text() == "step 1\nstep 2\n"
    given_up = run_on_node(sweep.files().path, 1, SLURM_RESTART_COUNT=str(RESTARTS + 1))
    assert given_up.returncode == 1
    assert sweep.files().ended("1") == Ended(None, "node b, GPU 1")


def test_a_node_with_other_versions_is_named(sweep: Sweep):
    with pytest.raises(UserError, match="node a has lorawrap 0"):
        sweep.told("001", steps=(sweep.says(1, None, fault="node a has lorawrap 0"),))


@pytest.mark.parametrize("name", ["100% sure", "back\\slash"])
def test_a_folder_that_slurm_reads_otherwise_is_refused(slurm: StandIn, tmp_path: Path, name: str):
    with pytest.raises(UserError, match="Slurm takes % and"):
        next(by_slurm(tmp_path / name)([fake_job(tmp_path, "001", 1)]))


def test_a_machine_without_slurm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs Slurm's sbatch and srun and squeue and scancel") as caught:
        next(by_slurm(tmp_path)([fake_job(tmp_path, "001", 1)]))
    assert caught.value.hint == "Start the sweep on a login node of the cluster."
