"""Says what is in the Python environment that runs it, as JSON.

``python inspect_environment.py packages`` gives names and versions; ``mend`` forgets packages whose
installation was cut off, so that pip installs them again, and names them; ``torch`` gives the build of torch,
and whether torchvision can be imported beside it; ``site`` the folder of packages.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path
from typing import Any


def main(question: str) -> None:
    answers = {"packages": packages, "mend": mend, "torch": torch, "site": site}
    print(json.dumps(answers[question]()))


def packages() -> dict[str, str]:
    """``{name: version}``, names in the form that pip compares; the first one on the path counts."""
    found: dict[str, str] = {}
    for one in distributions():
        if one.metadata is not None and one.metadata["Name"]:
            found.setdefault(plain_name(one.metadata["Name"]), one.version)
    return found


def plain_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def mend() -> list[str]:
    """A package is whole when its record is there and every file that it lists, in its size."""
    cut_off = [folder for folder in Path(site()).glob("*.dist-info") if not is_whole(folder)]
    for folder in (*cut_off, *Path(site()).glob("~*")):
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name.removesuffix(".dist-info") for folder in cut_off]


def site() -> str:
    return sysconfig.get_paths()["purelib"]


def is_whole(folder: Path) -> bool:
    if not all((folder / name).is_file() for name in ("METADATA", "RECORD", "INSTALLER")):
        return False
    with (folder / "RECORD").open(encoding="utf-8", newline="") as record:
        return all(is_as_recorded(folder.parent / row[0], row[2]) for row in csv.reader(record) if row)


def is_as_recorded(path: Path, size: str) -> bool:
    """``Distribution.files`` would do, but from Python 3.12 on it leaves out what is missing."""
    return path.is_file() and (not size or path.stat().st_size == int(size))


def torch() -> dict[str, Any]:
    import torch

    return {"version": torch.__version__, "cuda": torch.version.cuda, "torchvision": torchvision_fault()}


def torchvision_fault() -> str:
    """Why torchvision cannot be imported; empty when it can."""
    try:
        import torchvision  # noqa: F401
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    main(sys.argv[1])
