"""Which sd-scripts is there: the one that the environment names, else the one that was installed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.sd_scripts.blobs import compare
from wrapper.sd_scripts.lock import lock, locked_files, recorded_tables
from wrapper.sd_scripts.places import CHECKOUT, PYTHON, Places, places_of, versions_folder
from wrapper.sd_scripts.tables import are_whole, has_locked_parsers, record_tables, say, table_cache

HINT = (
    f"Set {CHECKOUT} to a checkout and {PYTHON} to its Python, or run lorawrap vendor install, "
    "or use --engine embedded."
)


@dataclass(frozen=True)
class Installation:
    """One sd-scripts. ``options`` is where its option tables lie once they were read from its parsers.

    ``pinned`` says that its files are those of the locked commit; ``commit`` is empty where nobody knows it.
    """

    checkout: Path
    python: Path
    tag: str
    commit: str
    pinned: bool
    options: Path
    named: bool = False


def find_installation() -> Installation | None:
    """The checkout named by the environment, else the pinned version, else the newest other one, else None.

    Raises `UserError` when the environment names a checkout or a Python that is not there.
    """
    if checkout := named_checkout():
        return _named(checkout)
    if os.environ.get(PYTHON):
        raise UserError(f"{PYTHON} is set and {CHECKOUT} is not.", HINT)
    pinned = read_installation(places_of(lock().tag))
    return pinned or max(installations(), key=_installed_at, default=None)


def _installed_at(one: Installation) -> float:
    return Places(one.checkout.parent).record.stat().st_mtime


def named_checkout() -> Path | None:
    """The checkout that the environment names; raises `UserError` when it is not one."""
    named = os.environ.get(CHECKOUT)
    if not named:
        return None
    checkout = Path(named).expanduser()
    if not (checkout / "train_network.py").is_file():
        raise UserError(f"{CHECKOUT}={checkout}: there is no train_network.py in it.", HINT)
    return checkout.resolve()


def installations() -> list[Installation]:
    """Every version in the data folder that was installed to its end, by name."""
    folder = versions_folder()
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [one for place in found if (one := read_installation(Places(place))) is not None]


def read_installation(places: Places) -> Installation | None:
    """What ``install.json`` says, written last by an installation; None before that."""
    try:
        record = json.loads(places.record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{places.record}: cannot be read ({error}).", "Run lorawrap vendor install again."
        ) from error
    return Installation(
        places.checkout, places.python, record["tag"], record["commit"], record["pinned"], places.options
    )


def _named(checkout: Path) -> Installation:
    ours = read_installation(Places(checkout.parent)) if checkout.name == "checkout" else None
    if ours is not None and not os.environ.get(PYTHON):
        return ours
    python = _named_python()
    pinned = not compare(checkout, locked_files())
    tag, commit = (lock().tag, lock().commit) if pinned else (checkout.name, head_commit(checkout))
    return Installation(checkout, python, tag, commit, pinned, table_cache(checkout), named=True)


def _named_python() -> Path:
    named = os.environ.get(PYTHON)
    if not named:
        raise UserError(f"{PYTHON} is not set: sd-scripts needs the Python of its own environment.", HINT)
    python = Path(named).expanduser()
    if not python.is_file():
        raise UserError(f"{PYTHON}={named}: there is no such Python.", HINT)
    return python.absolute()


def head_commit(checkout: Path) -> str:
    """The commit that a clone stands at, from its own files; empty for a folder that is no clone."""
    git = checkout / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        return (git / head.removeprefix("ref: ")).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def tables_folder() -> Path:
    """Where the option tables to check against lie: of the sd-scripts that is there, else the recorded ones.

    A checkout of the user's own is read once, at its first use, unless its parsers are the pinned ones.
    """
    return _tables(os.environ.get(CHECKOUT, ""), os.environ.get(PYTHON, ""), str(versions_folder()))


@cache
def _tables(_checkout: str, _python: str, _versions: str) -> Path:
    """Found once a process for the same surroundings."""
    checkout = named_checkout()
    if checkout is not None and has_locked_parsers(checkout):
        return recorded_tables()
    if checkout is not None and not (checkout / "library" / "train_util.py").is_file():
        say(f"{checkout} has no library/train_util.py: the options of {lock().tag} are taken.")
        return recorded_tables()
    found = find_installation()
    if found is None:
        return recorded_tables()
    if not are_whole(found.options, found.checkout):
        say(f"reading the options of {found.checkout} (once)")
        record_tables(found.python, found.checkout, found.options)
    return found.options
