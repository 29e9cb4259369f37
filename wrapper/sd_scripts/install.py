"""Installing sd-scripts: what is to be done, as data, and doing it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from wrapper.launch.children.guardian import none_left
from wrapper.sd_scripts.alone import alone
from wrapper.sd_scripts.blobs import Difference, compare
from wrapper.sd_scripts.checkout import LEFT_OUT, get_checkout
from wrapper.sd_scripts.environment import Environment, Wish, is_made, make_environment, wished
from wrapper.sd_scripts.installed import Installation, read_installation
from wrapper.sd_scripts.lock import lock
from wrapper.sd_scripts.places import Places, places_of
from wrapper.sd_scripts.source import Source, read_source
from wrapper.sd_scripts.tables import are_whole, record_tables, say


@dataclass(frozen=True)
class Step:
    """One part of an installation; ``done`` ones are left as they are."""

    name: str
    text: str
    done: bool


@dataclass(frozen=True)
class Plan:
    """``ref`` is the tag or branch; ``anew`` puts aside what is there."""

    places: Places
    source: Source
    ref: str
    wish: Wish
    anew: bool
    steps: tuple[Step, ...]

    def is_done(self, name: str) -> bool:
        return next(step.done for step in self.steps if step.name == name)


def plan(
    source: str | None = None,
    ref: str | None = None,
    *,
    python: Path | None = None,
    torch: str | None = None,
    system_torch: bool = False,
    anew: bool = False,
) -> Plan:
    """What an installation would do; touches nothing. Raises `UserError` for a wish that cannot be met."""
    tag = ref or lock().tag
    places = places_of(tag)
    wish = wished(places, python, torch, system_torch)
    found = read_source(source)
    steps = tuple(_steps(places, found, tag, wish, anew))
    return Plan(places, found, tag, wish, anew, steps)


def _steps(places: Places, source: Source, ref: str, wish: Wish, anew: bool) -> list[Step]:
    got = not anew and checkout_difference(places) == Difference((), ())
    made = got and is_made(places, wish)
    read = made and are_whole(places.options, places.checkout)
    pinned = f"commit {lock().commit[:10]}" if ref == lock().tag else "not the pinned version"
    torch = f"torch {wish.torch}{f' of {wish.python}' if wish.shares_torch else ''}"
    return [
        Step("checkout", f"sd-scripts {ref} ({pinned}) from {source} → {places.checkout}", got),
        Step("environment", f"{torch}, torchvision and sd-scripts' own pins → {places.env}", made),
        Step("options", f"the options of its scripts, by its own parsers → {places.options}", read),
    ]


def checkout_difference(places: Places) -> Difference | None:
    """What in the checkout is not as it was got; None where nothing was got."""
    files = _read(places.folder / "files.json")
    return compare(places.checkout, files) if files else None


def install(planned: Plan) -> Installation:
    """Do what is not done yet. An installation that was killed is gone on with by the next one; its git and
    its pip end with it.

    Raises `UserError` or `RunFailed`; ``install.json`` appears last.
    """
    places = planned.places
    _spare_edits(planned)
    with alone(places.folder), none_left():
        planned = _planned_now(planned)
        if all(step.done for step in planned.steps) and (there := read_installation(places)) is not None:
            return there
        places.record.unlink(missing_ok=True)
        got = _checkout(planned)
        made = make_environment(places, planned.wish, anew=planned.anew)
        if planned.anew or not are_whole(places.options, places.checkout):
            say("reading the options of its scripts")
            record_tables(places.python, places.checkout, places.options)
        write_json(places.record, {**got, **_facts(made)})
    installed = read_installation(places)
    assert installed is not None
    return installed


def _planned_now(planned: Plan) -> Plan:
    """Another installation may have been waited for."""
    steps = _steps(planned.places, planned.source, planned.ref, planned.wish, planned.anew)
    return replace(planned, steps=tuple(steps))


def _spare_edits(planned: Plan) -> None:
    edited = checkout_difference(planned.places)
    if edited and edited.changed and not planned.anew:
        raise UserError(
            f"{planned.places.checkout}: files were edited here ({edited}).",
            "--force puts sd-scripts' own in their place; a copy of yours is used by LORAWRAP_SD_SCRIPTS.",
        )


def _checkout(planned: Plan) -> Mapping[str, object]:
    """Tag, commit and whether it is the pinned one, of a checkout that is there or is got now."""
    places = planned.places
    if planned.is_done("checkout"):
        return _read(places.folder / "checkout.json")
    say(f"getting sd-scripts {planned.ref} from {planned.source}")
    (places.folder / "files.json").unlink(missing_ok=True)
    got = get_checkout(planned.source, planned.ref, places.checkout)
    facts = {"tag": got.tag, "commit": got.commit, "pinned": got.pinned, "source": str(planned.source)}
    write_json(places.folder / "checkout.json", facts)
    write_json(places.folder / "files.json", dict(got.files))
    return facts


def _facts(made: Environment) -> dict[str, object]:
    return {
        "left_out": [*LEFT_OUT, *made.left_out],
        "torch": made.torch,
        "torch_of": made.python if made.shares_torch else "",
        "cuda": made.cuda,
        "installed": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _read(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
