"""When a run hangs: it says nothing, and does next to nothing, for longer than any step of it took."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from wrapper.launch.watching.working import Work, work_of

LEAST_S = 600.0
STEPS = 20
"""So many usual steps without a word are too long, `LEAST_S` at least."""
BUSY_LIMITS = 6
"""Who works in silence (a download, a compilation, a GPU that is waited for) has so many times the limit."""


class TrainerHangs(Exception):  # noqa: N818 - a fact about the run, not a fault of this program
    """The run hangs and is to be ended."""


@dataclass(frozen=True)
class HangRule:
    """``limit_s`` None comes of the run's own pace; 0 is never. ``ends`` ends a run that hangs unasked."""

    limit_s: float | None = None
    ends: bool = False


@dataclass(frozen=True)
class Silence:
    """For how long nothing was heard, and what was done meanwhile; ``work`` is empty for next to nothing."""

    seconds: float
    work: str


class HangWatch:
    """Listens to a run; `tick` gives the `Silence` of one that hangs, once for each time that it does."""

    def __init__(
        self,
        rule: HangRule,
        now: Callable[[], float] = time.monotonic,
        work: Callable[[int], Work] = work_of,
    ) -> None:
        self.rule, self.now, self.work = rule, now, work
        self.steps: deque[float] = deque(maxlen=50)
        self.step = 0
        self.stepped_at: float | None = None
        self.heard_at = self.told_at = now()
        self.before: tuple[float, Work] | None = None

    @property
    def limit_s(self) -> float:
        if self.rule.limit_s is not None:
            return self.rule.limit_s
        return max(LEAST_S, STEPS * median(self.steps) if self.steps else 0.0)

    def heard(self, step: int) -> None:
        """The run said something, and stands at ``step``."""
        self.heard_at = self.told_at = self.now()
        self.before = None
        if step == self.step:
            return
        if self.stepped_at is not None:
            self.steps.append((self.heard_at - self.stepped_at) / max(step - self.step, 1))
        self.step, self.stepped_at = step, self.heard_at

    def tick(self, pid: int) -> Silence | None:
        """Half of the limit is waited, then the other half is watched, so that a moment's rest is no hang."""
        waited = self.now() - self.told_at
        if not self.limit_s or waited < self.limit_s / 2:
            return None
        if self.before is None:
            self.before = (self.now(), self.work(pid))
        return self._judged(pid) if waited >= self.limit_s else None

    def _judged(self, pid: int) -> Silence | None:
        begun, before = self.before or (self.now(), Work())
        work = self.work(pid).since(before, self.now() - begun)
        silent_s = self.now() - self.heard_at
        self.told_at, self.before = self.now(), None
        if work and silent_s < BUSY_LIMITS * self.limit_s:
            return None
        return Silence(silent_s, work)
