"""Making the empty environment, or finding that one can be gone on with."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import placing
from wrapper.places import shipped
from wrapper.sd_scripts.children import ask, last_words, run
from wrapper.sd_scripts.places import Places

_VERSION = "import sys; print(*sys.version_info[:2])"


def check_python(python: Path) -> None:
    """Raise `UserError` unless ``python`` is a Python that sd-scripts could run on."""
    if not python.is_file():
        raise UserError(f"{python}: there is no such Python.", "Name one with --python.")
    version = _version(python)
    if version is None or version < (3, 10):
        raise UserError(
            f"{python}: is not Python 3.10 or newer, which sd-scripts needs.", "Name one with --python."
        )


def make_ready(places: Places, python: Path, *, go_on: bool) -> None:
    """An environment of ``python`` with pip: the one there if it serves and ``go_on``, else anew."""
    if go_on and _serves(places.python, python):
        ask(places.python, shipped("vendor") / "inspect_environment.py", "mend")
        return
    with placing(places.env):
        places.env.parent.mkdir(parents=True, exist_ok=True)
    done = run(python, "-m", "venv", "--clear", str(places.env))
    if done.returncode and "ensurepip" in done.stdout + done.stderr:
        _without_ensurepip(places, python)
    elif done.returncode:
        raise UserError(
            f"{python} cannot make an environment in {places.env} ({last_words(done)}).",
            "Name another with --python.",
        )


def _without_ensurepip(places: Places, python: Path) -> None:
    """Debian and Colab take ensurepip out of Python: its own pip then brings pip into the environment."""
    run(python, "-m", "venv", "--clear", "--without-pip", str(places.env))
    done = run(python, "-m", "pip", "--python", str(places.python), "install", "--no-input", "pip")
    if done.returncode:
        raise UserError(
            f"{python} cannot make an environment: it has no ensurepip, and no pip that could stand in "
            f"({last_words(done)}).",
            "On Debian and Ubuntu: sudo apt install python3-venv. Or name another Python with --python.",
        )


def _serves(inside: Path, python: Path) -> bool:
    """Whether an environment has a pip and the version of ``python``."""
    if not inside.is_file() or run(inside, "-c", "import pip").returncode:
        return False
    return _version(inside) == _version(python)


def _version(python: Path) -> tuple[int, ...] | None:
    done = run(python, "-c", _VERSION)
    return None if done.returncode else tuple(int(part) for part in done.stdout.split())
