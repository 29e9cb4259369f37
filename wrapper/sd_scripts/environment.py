"""sd-scripts' own environment: which one is wished, and making it so.

Its pins never meet ours. The packages come from wherever pip is configured to take them from.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dataset_tools.errors import RunFailed
from dataset_tools.files import data_hash, write_json, write_text
from wrapper.places import shipped
from wrapper.sd_scripts.children import ask
from wrapper.sd_scripts.pip import Pip
from wrapper.sd_scripts.places import Places
from wrapper.sd_scripts.requirements import Requirements, read_requirements, torchvision_for
from wrapper.sd_scripts.shared_torch import find_torch, share
from wrapper.sd_scripts.tables import say
from wrapper.sd_scripts.venv import check_python, make_ready

_OPERATORS_MISSING = "operator torchvision::nms does not exist"


@dataclass(frozen=True)
class Wish:
    """Which environment: of which Python, with which torch, shared with that Python or installed anew.

    ``recipe`` stands for what else it is made by.
    """

    python: Path
    torch: str
    shares_torch: bool
    recipe: str


@dataclass(frozen=True)
class Environment:
    """What ``environment.json`` keeps: the wish, and whether it came true."""

    python: str
    torch: str
    shares_torch: bool
    recipe: str
    complete: bool
    cuda: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def wish(self) -> Wish:
        return Wish(Path(self.python), self.torch, self.shares_torch, self.recipe)


def read_environment(places: Places) -> Environment | None:
    """What is known of the environment in ``places``; None where it was not begun."""
    try:
        known = json.loads(_record(places).read_text(encoding="utf-8"))
        return Environment(**{**known, "left_out": tuple(known["left_out"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _record(places: Places) -> Path:
    return places.folder / "environment.json"


def wished(places: Places, python: Path | None, torch: str | None, system_torch: bool) -> Wish:
    """The wish of the command line; what it leaves open is as it was wished before, else our own.

    Raises `UserError` for a Python that cannot serve, or has no torch to share.
    """
    before = read_environment(places)
    base = _program(python) if python else _base_python(before)
    if before is None or not before.complete or base != Path(before.python):
        check_python(base)
    if system_torch or (before is not None and before.shares_torch and torch is None):
        return Wish(base, find_torch(base).version, True, _recipe(places))
    ours = version("torch").split("+")[0]
    return Wish(base, torch or (before.torch if before else ours), False, _recipe(places))


def _program(python: Path) -> Path:
    """``python3.12`` is looked for as a shell would."""
    return Path(shutil.which(python) or python).expanduser().absolute()


def _base_python(before: Environment | None) -> Path:
    """That of the environment which is there (it may be gone meanwhile), else our own."""
    if before is not None and (before.complete or Path(before.python).is_file()):
        return Path(before.python)
    return Path(sys.executable)


def _recipe(places: Places) -> str:
    """What the environment is made by, beside the wish: another one makes it anew."""
    if not (places.checkout / "requirements.txt").is_file():
        return ""
    requirements = read_requirements(places.checkout, cuda=True)
    return data_hash([requirements.lines, requirements.limits])[:16]


def is_made(places: Places, wish: Wish) -> bool:
    made = read_environment(places)
    return made is not None and made.complete and made.wish == wish and places.python.is_file()


def make_environment(places: Places, wish: Wish, *, anew: bool = False) -> Environment:
    """Install sd-scripts' packages, going on with what an earlier attempt has done; nothing if all is done.

    Raises `UserError` or `RunFailed` in one sentence; ``environment.json`` is marked complete last.
    """
    wish = replace(wish, recipe=_recipe(places))
    before = read_environment(places)
    if before is not None and is_made(places, wish) and not anew:
        return before
    go_on = not anew and before is not None and replace(before.wish, recipe=wish.recipe) == wish
    open_record = Environment(str(wish.python), wish.torch, wish.shares_torch, wish.recipe, complete=False)
    write_json(_record(places), asdict(open_record))
    say(f"making the environment of {wish.python}")
    make_ready(places, wish.python, go_on=go_on)
    pip = Pip(places.python, places.log)
    facts = _install_torch(places, wish, pip)
    requirements = _install_requirements(places, pip, facts)
    made = replace(open_record, complete=True, cuda=facts["cuda"], left_out=requirements.left_out)
    write_json(_record(places), asdict(made))
    return made


def _install_torch(places: Places, wish: Wish, pip: Pip) -> dict[str, Any]:
    """torch and the torchvision that fits it; what torch says of itself."""
    if wish.shares_torch:
        share(find_torch(wish.python), _site(places))
    pip.install([f"torch=={wish.torch}"])
    facts = _ask_torch(places)
    if facts["torchvision"].startswith("ModuleNotFoundError"):
        pip.install([torchvision_for(facts["version"])], "--no-deps")
        facts = _ask_torch(places)
    if _OPERATORS_MISSING in facts["torchvision"]:
        _declare_operators(_site(places))
        facts = _ask_torch(places)
    return facts


def _install_requirements(places: Places, pip: Pip, torch: dict[str, Any]) -> Requirements:
    """Upstream's list, with torch held where it is; raises `RunFailed` when a pin was not kept."""
    requirements = read_requirements(places.checkout, cuda=bool(torch["cuda"]))
    held = places.folder / "constraints.txt"
    write_text(held, "".join(f"{line}\n" for line in (f"torch=={torch['version']}", *requirements.limits)))
    pip.install(requirements.lines, "--constraint", str(held))
    there = ask(places.python, shipped("vendor") / "inspect_environment.py", "packages")
    wrong = [f"{name} {there.get(name)}" for name, pin in requirements.pins.items() if there.get(name) != pin]
    if wrong:
        raise RunFailed(f"pip did not keep sd-scripts' pins: {', '.join(wrong)}.", f"See {places.log}.")
    if fault := _ask_torch(places)["torchvision"]:
        raise RunFailed(f"torchvision cannot be imported in {places.env} ({fault}).", f"See {places.log}.")
    return requirements


def _ask_torch(places: Places) -> dict[str, Any]:
    return dict(ask(places.python, shipped("vendor") / "inspect_environment.py", "torch"))


def _site(places: Places) -> Path:
    return Path(ask(places.python, shipped("vendor") / "inspect_environment.py", "site"))


def _declare_operators(site: Path) -> None:
    """Put vendor/site/lorawrap_torchvision.py into the environment, imported at every start."""
    module = shipped("vendor") / "site" / "lorawrap_torchvision.py"
    shutil.copyfile(module, site / module.name)
    (site / f"{module.stem}.pth").write_text(f"import {module.stem}\n", encoding="utf-8", newline="\n")
