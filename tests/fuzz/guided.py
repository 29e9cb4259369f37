"""One reader, fuzzed by coverage: ``python -m tests.fuzz.guided READER FOLDER [libFuzzer's options]``.

It needs atheris, which the tests do without. What it finds lies in FOLDER; ``-timeout`` and ``-rss_limit_mb``
are the bounds of time and memory. Without arguments it names the readers.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dataset_tools", "wrapper"]):
    from tests.fuzz import test_files, test_texts

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
    if reader in test_files.READERS:
        return list(test_files.READERS[reader].seeds)
    return [seed.encode() for seed in test_texts.READERS[reader].seeds]


def _target(reader: str, made: Path):
    if reader in test_texts.READERS:
        read_text = test_texts.READERS[reader].read
        return lambda data: test_files.told(partial(read_text, data.decode("utf-8", "surrogateescape")))
    chosen = test_files.READERS[reader]
    path = made / chosen.name
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in ("a.png", "b.png"):
        (path.parent / name).write_bytes(test_files.encoded("PNG"))
    (path.parent / "good.toml").write_bytes(test_files.TRAIN)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        test_files.told(partial(chosen.read, path))

    return read


if __name__ == "__main__":
    if len(sys.argv) < len(("program", "reader", "folder")):
        sys.exit("\n".join([*test_files.READERS, *test_texts.READERS]))
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
