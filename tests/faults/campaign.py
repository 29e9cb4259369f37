"""One moment: a command is cut off, what it left is looked at, and it is started again.

``python -m tests.faults.campaign FOLDER [STAGE…] [--moments N] [--boundaries]`` runs as many as are asked for
and writes a line of JSON for each to ``FOLDER/moments.jsonl``.
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

from tests.faults.boundaries import Strike
from tests.faults.harm import HARMS
from tests.faults.sameness import meaning
from tests.faults.stages import COMMANDS, ORDER, SAME_COMMAND, STAGES, Stage
from tests.faults.warm import Warm
from tests.faults.wholeness import leftovers, torn
from tests.faults.worlds import World, give_bases, make_world

HEAVY = {"caching", "training", "saving", "launch", "generate", "evaluate", "export", "report", "run"}
"""Stages for which torch has to be there."""


@dataclass(frozen=True)
class Undisturbed:
    """What a stage gives, in how long, and how much of that it does not count."""

    files: dict[str, str]
    from_s: float
    window_s: float


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

    def prepare(self, last: str) -> None:
        """Make and keep the project as it is after each command up to ``last``."""
        self.world.keep("drawn")
        for name in ORDER[: ORDER.index(last) + 1] if last in ORDER else ():
            code, _ = self._run(COMMANDS.get(name, [name]))
            assert code == 0, self.log.read_text(encoding="utf-8")
            self.world.keep(name)

    def undisturbed(self, stage: Stage) -> Undisturbed:
        """Run ``stage`` to its end, once."""
        if stage.name not in self.known:
            self.world.back_to(stage.ready)
            begun = self._start(list(stage.argv))
            self._until(stage.sign, begun[0])
            sign = time.monotonic()
            if stage.until:
                self._until(stage.until, begun[0])
                end = time.monotonic()
            code, orphans = self.warm.wait()
            end = end if stage.until else time.monotonic()
            assert (code, orphans) == (0, []), self.log.read_text(encoding="utf-8")
            self.known[stage.name] = Undisturbed(meaning(self.world.project), sign - begun[1], end - sign)
        return self.known[stage.name]

    def moment(self, stage: Stage, harm: str, share: float, rng: random.Random) -> Moment:
        """Do ``harm`` to ``stage`` after a ``share`` of the work that it needs."""
        wait_s = share * self.undisturbed(stage).window_s
        self.world.back_to(stage.ready)
        pid, _ = self._start(list(stage.argv))
        self._until(stage.sign, pid)
        time.sleep(wait_s)
        hit = _is_there(pid)
        if hit:
            HARMS[harm](pid, rng)
        code, orphans = self.warm.wait()
        return self._looked_at(stage, Moment(stage.name, harm, share, code, hit), orphans)

    def boundaries(self, stage: Stage, role: str) -> int:
        """How many write boundaries ``role`` passes in an undisturbed ``stage``."""
        self.world.back_to(stage.ready)
        count = self.world.root / "boundaries.txt"
        count.unlink(missing_ok=True)
        self._start(list(stage.argv), Strike(role, 0, str(self.world.project), str(count)))
        self.warm.wait()
        return len(count.read_text(encoding="utf-8").splitlines()) if count.exists() else 0

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

    def _start(self, argv: list[str], strike: Strike | None = None) -> tuple[int, float]:
        self.log.unlink(missing_ok=True)
        pid = self.warm.start(argv, self.world.project, self.log, self.env, strike)
        return pid, time.monotonic()

    def _until(self, sign: object, pid: int) -> None:
        while not sign(self.world) and _is_there(pid):  # type: ignore[operator]
            time.sleep(0.002)


def _is_there(pid: int) -> bool:
    """Whether a process runs; one that waits to be asked for its exit code does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


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
    parser.add_argument("--roles", nargs="*", default=["trainer", "lorawrap"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--harms", nargs="*", default=list(HARMS))
    asked = parser.parse_args()
    world = make_world(asked.folder)
    heavy = bool(HEAVY & {*asked.stages})
    if heavy:
        _give_bases(world)
    warm = Warm(heavy=heavy)
    campaign = Campaign(world, warm)
    wanted = [STAGES[name].ready for name in asked.stages]
    campaign.prepare(max(wanted, key=lambda name: ORDER.index(name) if name in ORDER else -1))
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
    for number in range(asked.moments):
        yield campaign.moment(stage, asked.harms[number % len(asked.harms)], rng.random(), rng)


if __name__ == "__main__":
    main()
