"""The option tables of an sd-scripts: where they lie, and reading them from its own parsers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dataset_tools.errors import RunFailed
from dataset_tools.files import whole_folder, write_text
from wrapper.launch.children.guardian import none_left
from wrapper.places import cache_folder, shipped
from wrapper.sd_scripts.blobs import blob_id, compare
from wrapper.sd_scripts.children import ISOLATED, child_environment
from wrapper.sd_scripts.lock import locked_files
from wrapper.sd_scripts.places import PYTHON

SCRIPTS = ("train_network.py", "sdxl_train_network.py")
TABLES = ("train_network", "sdxl_train_network", "dataset_config")
MADE_OF = "made-of.txt"
RECORDER_TIMEOUT_S = 600


def parser_files(checkout: Path) -> list[str]:
    """The files that decide which options there are: the two scripts and the library, as POSIX paths."""
    library = (path.relative_to(checkout).as_posix() for path in (checkout / "library").rglob("*.py"))
    return sorted([*(name for name in SCRIPTS if (checkout / name).is_file()), *library])


def has_locked_parsers(checkout: Path) -> bool:
    """Whether its options are the recorded ones, whatever else is in it."""
    wanted = {name: blob for name, blob in locked_files().items() if _is_parser(name)}
    return not compare(checkout, wanted)


def _is_parser(name: str) -> bool:
    return name in SCRIPTS or (name.startswith("library/") and name.endswith(".py"))


def table_cache(checkout: Path) -> Path:
    """Where the tables of a checkout of the user's own are kept: named by the content of its parsers."""
    return cache_folder() / "sd-scripts-options" / tables_id(checkout)


def tables_id(checkout: Path) -> str:
    """What tables depend on: the checkout's parsers, and the recorder that reads them."""
    digest = hashlib.sha256()
    for part in _identity(checkout):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _identity(checkout: Path) -> Iterator[str]:
    yield blob_id((shipped("vendor") / "record_options.py").read_bytes())
    for name in parser_files(checkout):
        yield f"{name} {blob_id((checkout / name).read_bytes())}"


def are_whole(folder: Path, checkout: Path) -> bool:
    """Whether the tables of ``checkout`` as it is now lie in ``folder``."""
    try:
        made_of = (folder / MADE_OF).read_text(encoding="utf-8")
    except OSError:
        return False
    return made_of == tables_id(checkout) and all((folder / f"{name}.json").is_file() for name in TABLES)


def record_tables(python: Path, checkout: Path, out: Path) -> None:
    """Read the options of ``checkout`` with its own Python into ``out``, whole or not at all.

    Raises `RunFailed` with the last line that the child said.
    """
    recorder = shipped("vendor") / "record_options.py"
    with whole_folder(out) as folder:
        argv = [str(python), *ISOLATED, "-B", str(recorder), str(checkout), str(folder), "--help-texts"]
        with none_left():
            _run(argv, checkout)
        write_text(folder / MADE_OF, tables_id(checkout))


def _run(argv: list[str], checkout: Path) -> None:
    hint = f"{PYTHON} must name a Python that has its packages; lorawrap vendor install --force makes one."
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=RECORDER_TIMEOUT_S,
            env=child_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunFailed(f"{checkout}: its options could not be read ({error}).", hint) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RunFailed(f"{checkout}: its options could not be read ({last}).", hint)


def read_table(folder: Path, name: str) -> dict[str, dict[str, object]]:
    return dict(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
