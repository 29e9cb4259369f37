"""One reader, fuzzed by coverage: ``python -m tests.fuzz.guided READER FOLDER [libFuzzer's options]``.

It needs atheris, which the tests do without. What it finds lies in FOLDER; ``-timeout`` and ``-rss_limit_mb``
are the bounds of time and memory. Without arguments it names the readers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dataset_tools", "wrapper"]):
    from tests.fuzz import test_files, test_foreign, test_texts
    from tests.fuzz.reading import Reader, encoded, told

FILES: dict[str, Reader] = {**test_files.READERS, **test_foreign.READERS}
SECONDS_EACH, MEGABYTES = 10, 3000


def main(reader: str, folder: Path, options: list[str]) -> None:
    """Fuzz until ``options`` say that it is enough; a fault ends it with a traceback."""
    corpus, made = folder / "corpus", folder / "made"
    for place in (corpus, made):
        place.mkdir(parents=True, exist_ok=True)
    seeds = _seeds(reader)
    for number, seed in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    bounds = [f"-timeout={SECONDS_EACH}", f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={folder}/found-"]
    atheris.Setup([sys.argv[0], str(corpus), *bounds, *options], _target(reader, made))
    atheris.Fuzz()


def _seeds(reader: str) -> list[bytes]:
    if reader in FILES:
        return list(FILES[reader].seeds)
    return [seed.encode() for seed in test_texts.READERS[reader].seeds]


def _target(reader: str, made: Path) -> Callable[[bytes], object]:
    if reader not in FILES:
        read_text = test_texts.READERS[reader].read
        return lambda data: told(partial(read_text, data.decode("utf-8", "surrogateescape")))
    chosen = FILES[reader]
    path = made / chosen.name
    path.parent.mkdir(parents=True, exist_ok=True)
    test_foreign.prepare(path.parent)
    (path.parent / "b.png").write_bytes(encoded("PNG"))
    (path.parent / "good.toml").write_bytes(test_files.TRAIN)

    def read(data: bytes) -> None:
        path.write_bytes(chosen.wrap(data))
        told(partial(chosen.read, path))

    return read


if __name__ == "__main__":
    if len(sys.argv) < len(("program", "reader", "folder")):
        sys.exit("\n".join([*FILES, *test_texts.READERS]))
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
