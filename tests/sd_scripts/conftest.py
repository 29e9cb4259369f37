"""Real runs of sd-scripts' own scripts on tiny random models, seconds each.

Set ``LORAWRAP_SD_SCRIPTS`` to a checkout and ``LORAWRAP_SD_SCRIPTS_PYTHON`` to the Python of its environment,
and, to have the tests run on an older version too, ``LORAWRAP_SD_SCRIPTS_OLD`` to a checkout of it. Then
``make test-sd-scripts``, or pytest on this folder. How to write a test::

    def test_it_trains(scripts, single_base, photos, tmp_path):
        base = single_base("sd15")                      # or ("sdxl"), ("sd15", inpaint=True)
        arguments = train_arguments(base, tmp_path, train_data_dir=photos(4), resolution=64)
        done = scripts.run(base, "train_network.py", arguments)
        assert done.returncode == 0, done.stdout

``scripts`` runs the test once for each checkout. ``through_wrapper(base)`` sets the environment for
``lorawrap train`` in this process instead, so that the command that it launches is shrunk.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import Kind
from tests.sd_scripts.harness import Base, Scripts, make_base
from tests.trainer.conftest import draw_pictures

CHECKOUT, PYTHON, OLD = "LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON", "LORAWRAP_SD_SCRIPTS_OLD"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the real scripts."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.sd_scripts)


@pytest.fixture(scope="session", params=[CHECKOUT, OLD], ids=["newest", "older"])
def scripts(request: pytest.FixtureRequest) -> Scripts:
    """Each checkout that the environment names; the test is skipped for one that it does not."""
    return named_scripts(request.param)


@pytest.fixture(scope="session")
def newest_scripts() -> Scripts:
    """The checkout of ``LORAWRAP_SD_SCRIPTS`` alone, for what no version changes."""
    return named_scripts(CHECKOUT)


def named_scripts(variable: str) -> Scripts:
    for name, what in ((variable, "a checkout of sd-scripts"), (PYTHON, "the Python of its environment")):
        if not os.environ.get(name):
            pytest.skip(f"{name} is not set to {what}")
    found = Scripts(Path(os.environ[variable]).resolve(), Path(os.environ[PYTHON]).absolute())
    if not (found.checkout / "train_network.py").is_file():
        pytest.fail(f"{variable}={found.checkout}: there is no train_network.py in it")
    return found


@pytest.fixture(scope="session")
def single_base(
    tiny_base: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Base]:
    """``single_base("sdxl", inpaint=True)``: a tiny base in one file, and what shrunk scripts need."""
    made: dict[tuple[Kind, bool], Base] = {}

    def base(kind: Kind = "sd15", inpaint: bool = False) -> Base:
        if (kind, inpaint) not in made:
            folder = tmp_path_factory.mktemp("single bases")
            made[kind, inpaint] = make_base(tiny_base(kind, inpaint), folder)
        return made[kind, inpaint]

    return base


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """``photos(4, repeats=2)``: a ``train_data_dir`` with one subset of captioned 64 px pictures.

    Their masks lie in a folder beside it, named as the subset with ``" masks"`` behind it.
    """

    def folder(count: int = 4, repeats: int = 1, size: tuple[int, int] = (64, 64)) -> Path:
        parent = tmp_path / "фото 'q' 🙂"
        drawn = draw_pictures(tmp_path / f"{repeats}_zorn head", count, size)
        parent.mkdir()
        drawn.rename(parent / drawn.name)
        return parent

    return folder


@pytest.fixture
def through_wrapper(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scripts, Base], None]:
    """Sets this process's environment so that what the wrapper launches are shrunk real scripts."""

    def prepare(scripts: Scripts, base: Base) -> None:
        for name, value in scripts.env(base).items():
            monkeypatch.setenv(name, value)

    return prepare
