"""Says where the Python that runs it has torch, as JSON: ``{version, folder, entries}``.

``entries`` are the names in ``folder`` that torch, torchvision and their compiled parts are made of (CUDA
libraries, triton), with the records that pip knows them by. Pure Python packages that torch needs are not
among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

OF_TORCH = re.compile(r"^(torch|torchvision|(pytorch-)?triton|nvidia-.+|cuda-.+)$")


def main() -> None:
    try:
        torch = distribution("torch")
    except PackageNotFoundError:
        print(json.dumps(None))
        return
    folder = Path(str(torch.locate_file("."))).resolve()
    shared = [one for one in distributions(path=[str(folder)]) if OF_TORCH.match(plain_name(one))]
    entries = sorted({name for one in shared for name in entries_of(one)})
    print(json.dumps({"version": torch.version, "folder": str(folder), "entries": entries}))


def plain_name(one: Distribution) -> str:
    name = one.metadata["Name"] if one.metadata is not None else ""
    return re.sub(r"[-_.]+", "-", name or "").lower()


def entries_of(one: Distribution) -> Iterator[str]:
    """The first parts of the paths of its files, but for scripts that lie outside."""
    for path in one.files or []:
        if path.parts[0] not in ("..", "__pycache__", "/"):
            yield path.parts[0]


if __name__ == "__main__":
    main()
