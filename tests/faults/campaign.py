"""One moment: a command is cut off, what it left is looked at, and it is started again.

``python -m tests.faults.campaign FOLDER [STAGE…] [--moments N] [--boundaries]`` runs until N harms met each
stage at work, and writes a line of JSON for each to ``FOLDER/moments.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from tests.faults.boundaries import Strike, passed
from tests.faults.effort import TICK_S, effort_s, is_there
from tests.faults.harm import HARMS
from tests.faults.sameness import meaning
from tests.faults.stages import DRAWN, KEPT, SAME_COMMAND, STAGES, Sign, Stage
from tests.faults.warm import Warm
from tests.faults.wholeness import leftovers, torn
from tests.faults.worlds import World, give_bases, make_world

LIGHT = {"qc", "masks", "build", "captions", "demo"}
"""Stages that need neither a base nor torch."""
SURVIVED = "kill a child"
"""The harm that a command may end well after; another one has come too late then."""
ROLES = ("trainer", "lorawrap")
POLL_S = 0.01


@dataclass(frozen=True)
class Undisturbed:
    """What a stage gives, with how many processor seconds of work and how many write boundaries by role."""

    files: dict[str, str]
    window_s: float
    boundaries: dict[str, int]


@dataclass
class Moment:
    """What was done when, and everything that was wrong after it."""

    stage: str
    harm: str
    at: float
    code: int = 0
    hit: bool = True
    wrong: list[str] = field(default_factory=list)


class Campaign:
    """Moments of a world, one after the other."""

    def __init__(self, world: World, warm: Warm) -> None:
        self.world, self.warm = world, warm
        self.log = world.root / "log.txt"
        self.env = {"LORAWRAP_CACHE_DIR": str(world.cache), "LORAWRAP_DATA_DIR": str(world.root / "nothing")}
        self.originals = world.originals()
        self.known: dict[str, Undisturbed] = {}
        self.world.keep(DRAWN)

    def prepare(self, name: str) -> None:
        """Make and keep the project as it is after the commands that lead to ``name``, each once."""
        if self.world.has(name):
            return
        before, argv = KEPT[name]
        self.prepare(before)
        self.world.back_to(before)
        code, _ = self._run(list(argv))
        assert code == 0, self.log.read_text(encoding="utf-8")
        self.world.keep(name)

    def undisturbed(self, stage: Stage) -> Undisturbed:
        """Run ``stage`` to its end, once."""
        if stage.name not in self.known:
            self.prepare(stage.ready)
            self.world.back_to(stage.ready)
            count = self.world.root / "boundaries"
            for role in ROLES:
                passed(count, role).unlink(missing_ok=True)
            pid = self._start(list(stage.argv), Strike("", 0, str(self.world.project), str(count)))
            self._until(stage.sign, pid)
            window_s = self._worked(stage, pid)
            code, orphans = self.warm.wait()
            assert (code, orphans) == (0, []), self.log.read_text(encoding="utf-8")
            counts = {role: _lines(passed(count, role)) for role in ROLES}
            self.known[stage.name] = Undisturbed(meaning(self.world.project), window_s, counts)
        return self.known[stage.name]

    def _worked(self, stage: Stage, pid: int) -> float:
        """Processor seconds from now to the end of the stage's window."""
        begun = end = effort_s(pid)
        while is_there(pid) and not (stage.until and stage.until(self.world)):
            end = max(end, effort_s(pid))
            time.sleep(POLL_S)
        return end - begun

    def moment(self, stage: Stage, harm: str, share: float, rng: random.Random) -> Moment:
        """Do ``harm`` to ``stage`` after a ``share`` of the work that it needs."""
        work_s = share * self.undisturbed(stage).window_s
        self.world.back_to(stage.ready)
        pid = self._start(list(stage.argv))
        self._until(stage.sign, pid)
        begun = effort_s(pid)
        self._until(lambda _world: effort_s(pid) - begun >= work_s, pid)
        time.sleep(rng.random() * TICK_S)
        there = is_there(pid)
        if there:
            HARMS[harm](pid, rng)
        code, orphans = self.warm.wait()
        hit = there and (code != 0 or harm == SURVIVED)
        return self._looked_at(stage, Moment(stage.name, harm, share, code, hit), orphans)

    def boundaries(self, stage: Stage, role: str) -> int:
        """How many write boundaries ``role`` passes in an undisturbed ``stage``."""
        return self.undisturbed(stage).boundaries.get(role, 0)

    def boundary(self, stage: Stage, role: str, at: int) -> Moment:
        """Kill −9 of ``role`` before its write boundary ``at``."""
        self.undisturbed(stage)
        self.world.back_to(stage.ready)
        self._start(list(stage.argv), Strike(role, at, str(self.world.project), ""))
        code, orphans = self.warm.wait()
        return self._looked_at(stage, Moment(stage.name, f"kill {role} at a boundary", at, code), orphans)

    def _looked_at(self, stage: Stage, moment: Moment, orphans: list[str]) -> Moment:
        moment.wrong += [f"orphan: {one}" for one in orphans]
        moment.wrong += [f"torn: {one}" for one in torn(self.world.project)]
        moment.wrong += self._changed_originals()
        if moment.code and not self._started_again(stage, moment):
            return moment
        moment.wrong += _differences(self.undisturbed(stage).files, meaning(self.world.project))
        moment.wrong += [f"left behind: {one}" for one in leftovers(self.world.project)]
        moment.wrong += self._changed_originals()
        return moment

    def _started_again(self, stage: Stage, moment: Moment) -> bool:
        """What a user would do now; whether it ended well."""
        again = stage.next_start(self.world)
        code, orphans = self._run(again)
        moment.wrong += [f"orphan of the next start: {one}" for one in orphans]
        if code:
            told = self.log.read_text(encoding="utf-8", errors="replace")[-600:]
            moment.wrong.append(f"the next start ({' '.join(again)}) ended with {code}: {told}")
        return code == 0

    def _changed_originals(self) -> list[str]:
        now = self.world.originals()
        changed = (name for name, before in self.originals.items() if now.get(name) != before)
        return [f"original changed: {name}" for name in changed]

    def _run(self, argv: list[str]) -> tuple[int, list[str]]:
        self._start(argv)
        return self.warm.wait()

    def _start(self, argv: list[str], strike: Strike | None = None) -> int:
        self.log.unlink(missing_ok=True)
        return self.warm.start(argv, self.world.project, self.log, self.env, strike)

    def _until(self, sign: Sign, pid: int) -> None:
        while not sign(self.world) and is_there(pid):
            time.sleep(POLL_S)


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _differences(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            how = "missing" if name not in after else "too much" if name not in before else "different"
            yield f"{how}: {name}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign")
    parser.add_argument("folder", type=Path)
    parser.add_argument("stages", nargs="*", default=list(STAGES))
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--boundaries", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="only every n-th boundary")
    parser.add_argument("--first", type=int, default=1, help="the number of the first boundary")
    parser.add_argument("--roles", nargs="*", default=list(ROLES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--harms", nargs="*", default=list(HARMS))
    asked = parser.parse_args()
    world = make_world(asked.folder)
    heavy = not LIGHT.issuperset(asked.stages)
    if heavy:
        _give_bases(world)
    warm = Warm(heavy=heavy)
    campaign = Campaign(world, warm)
    rng = random.Random(asked.seed)
    with (asked.folder / "moments.jsonl").open("a", encoding="utf-8") as out:
        for moment in _moments(campaign, asked, rng):
            print(json.dumps(asdict(moment), ensure_ascii=False), file=out, flush=True)
    warm.close()


def _give_bases(world: World) -> None:
    from tests.models import make_tiny

    made = world.root / "made"
    give_bases(world, make_tiny("sd15", False, made / "base"), make_tiny("sd15", True, made / "inpaint"))


def _moments(campaign: Campaign, asked: argparse.Namespace, rng: random.Random) -> Iterator[Moment]:
    """Those of all stages by turns: a campaign that is ended early has told something of each."""
    waiting = deque(_of_stage(campaign, STAGES[name], asked, rng) for name in asked.stages)
    while waiting:
        for moment in islice(waiting[0], 1):
            yield moment
            waiting.rotate(-1)
            break
        else:
            waiting.popleft()


def _of_stage(
    campaign: Campaign, stage: Stage, asked: argparse.Namespace, rng: random.Random
) -> Iterator[Moment]:
    if asked.boundaries and stage.name not in SAME_COMMAND:
        for role in asked.roles:
            for at in range(asked.first, campaign.boundaries(stage, role) + 1, asked.every):
                yield campaign.boundary(stage, role, at)
    hits = 0
    for number in range(2 * asked.moments):
        moment = campaign.moment(stage, asked.harms[number % len(asked.harms)], rng.random(), rng)
        yield moment
        hits += moment.hit
        if hits == asked.moments:
            return


if __name__ == "__main__":
    main()
