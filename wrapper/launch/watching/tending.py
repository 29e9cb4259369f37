"""While the trainer runs: a sign of life for other machines, and a word or a question when it hangs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from dataset_tools.progress import clock
from wrapper.launch.endings.explain import Explanation
from wrapper.launch.watching.hang import HangRule, HangWatch, Silence, TrainerHangs
from wrapper.launch.watching.terminal import can_ask, forget_typed, typed
from wrapper.launch.watching.watch import Watch
from wrapper.launch.watching.working import ask_for_stacks, gpu_use
from wrapper.project.layout import RunPaths
from wrapper.runs.heartbeat import Heart
from wrapper.runs.state import saved_states

STACKS_S = 3.0
"""So long lines are taken for the stacks that were asked for, not for a run that goes on."""
Told = Callable[[Explanation], None]


class Tending:
    """Called for each line (`line`) and now and then (`tick`); raises `TrainerHangs` to end the run."""

    def __init__(self, run: RunPaths, watch: Watch, rule: HangRule, told: Told) -> None:
        self.run, self.watch, self.rule, self.told = run, watch, rule, told
        self.heart, self.hang = Heart(run), HangWatch(rule)
        self.asked_stacks = self.hang.now() - STACKS_S
        self.told_of: float | None = None
        self.asking: Silence | None = None

    def line(self, line: str) -> None:
        self.watch.line(line)
        if self.hang.now() - self.asked_stacks >= STACKS_S:
            self._woke()
            self.hang.heard(self.watch.step)

    def tick(self, pid: int) -> None:
        self.heart.tick()
        if self.asking is not None and self._answer() == "end":
            raise TrainerHangs(self.watch.step)
        silence = self.hang.tick(pid)
        if silence is not None and self.asking is None and (self.told_of != self.hang.heard_at or can_ask()):
            self.told_of = self.hang.heard_at
            self._tell(silence, pid)

    def _tell(self, silence: Silence, pid: int) -> None:
        if ask_for_stacks(pid):
            self.asked_stacks = self.hang.now()
        found = Explanation(f"{self.run.id}: {_facts(silence, self.watch.step)}", self._what_is_saved())
        self.told(found)
        if self.rule.ends:
            raise TrainerHangs(self.watch.step)
        if can_ask():
            forget_typed()
            self.asking = silence
            self.watch.say("  e and Enter ends it, w and Enter waits on; it runs on until you answer.")

    def _answer(self) -> Literal["end", "wait", ""]:
        answer = typed().lower()
        if answer.startswith("e"):
            return "end"
        if answer.startswith("w"):
            self.asking = None
            self.watch.say(f"  Waiting on; asked again after {clock(self.hang.limit_s)} without a word.")
            return "wait"
        return ""

    def _woke(self) -> None:
        if self.asking is not None:
            self.asking = None
            self.watch.say(f"  {self.run.id} goes on by itself: the question is withdrawn.")

    def _what_is_saved(self) -> str:
        states = saved_states(self.run)
        kept = f"The state of step {states[-1].step} is saved." if states else "No state is saved yet."
        return f"{kept} --hang-limit says for how long silence is taken for work, --end-hung ends such a run."


@contextmanager
def tending(run: RunPaths, watch: Watch, rule: HangRule, told: Told) -> Iterator[Tending]:
    tended = Tending(run, watch, rule, told)
    try:
        yield tended
    finally:
        tended.heart.stop()


def _facts(silence: Silence, step: int) -> str:
    gpu = gpu_use()
    at_work = f"at work all the same: {silence.work}" if silence.work else "idle"
    since = f"nothing was heard of it for {clock(silence.seconds)}, since step {step}"
    return f"{since}; its processes are {at_work}{f'; GPU {gpu}' if gpu else ''}."
