"""What a folder means: every file by its contents, but for what tells a time, a duration or a process.

What may differ between two undisturbed runs, in whole:

* LoRA files: the metadata in `TIMES`, and the hashes that follow from them, here and where they are told;
* JSON: the values under `TIMES` (a LoRA says its times in letters, so its length varies too); in pages, texts
  and tables, times, durations and hashes; on a project's page, what `COURSE` finds;
* ``dataset/written.json``: the times of the files; ``.lorawrap/steps.json``: keys made of a LoRA's hash;
* `NOT_COMPARED`: leftovers (`tests.faults.wholeness` looks at them), who held the project last, caches by
  file time or by a LoRA's hash, TensorBoard's files, and what a run or a trial says of its course beside its
  checkpoints and states (log, events, curve, record: one that was cut off tells of both parts); a sweep's
  page, which shows what its table says, and the minutes.

Of several runs of a stage the newest counts: one that was cut off before its first state begins anew.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TIMES = {
    "ended",
    "started",
    "since",
    "elapsed_s",
    "ss_training_started_at",
    "ss_training_finished_at",
    "ss_session_id",
    "modelspec.date",
    "sshs_model_hash",
    "sshs_legacy_hash",
    "sha256",
    "AutoV2",
    "bytes",
    "minutes",
}
NOT_COMPARED = re.compile(
    r"(.*/)?\.(part|old)-.*|(.*/)?\.lorawrap/(locks/.*|contents\.db)|(.*/)?\.?[\w-]+\.sqlite(-.*)?|(.*/)?(model-)?hashes\.json"
    r"|(.*/)?\.lorawrap/evaluation\.jsonl|sweeps/[^/]+/(sweep\.html|trials/[^/]+/(log\.txt|trial\.json))"
    r"|(.*/)?runs/[^/]+/(tensorboard/.*|log\.txt|events\.jsonl|loss\.svg|[a-z]+\.json)"
)
CLOCK = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)?|\b\d+:\d\d(:\d\d)?\b|\b[0-9a-f]{10,}\b"
)
COURSE = re.compile(
    r' · went on from: [^·<]+|<svg class="curve".*?</svg>\s*|running mean of the loss: [^<]+', re.DOTALL
)
"""Of a run that was cut off, and of steps that were saved and not logged: with less than two, no curve."""
RUN = re.compile(r"(stage_[ab])-(\d{3})")
OF_RUN = re.compile(r"(.*/)?runs/[^/]+")


def meaning(root: Path) -> dict[str, str]:
    """Every file below ``root`` that is compared → what is compared of it."""
    newest = _newest_runs(root)
    found = {}
    for name in sorted(_names(root)):
        run = OF_RUN.match(name)
        if NOT_COMPARED.fullmatch(name) or (run and run.group() not in newest):
            continue
        found[RUN.sub(r"\1-N", name)] = told(root / name)
    return found


def _newest_runs(root: Path) -> set[str]:
    """The last run of each stage, of the project and of every trial."""
    runs = sorted(path for path in root.rglob("runs/stage_*") if path.is_dir())
    newest = {(path.parent, path.name.partition("-")[0]): path for path in runs}
    return {path.relative_to(root).as_posix() for path in newest.values()}


def _names(root: Path) -> Iterator[str]:
    return (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def told(path: Path) -> str:
    if path.suffix == ".safetensors":
        return _digest(_tensor_file(path.read_bytes()))
    if path.name == "steps.json":
        return ", ".join(json.loads(path.read_bytes()))
    if path.name == "written.json":
        return _digest(json.dumps([(name, row[0]) for name, row in _written(path)]).encode())
    if path.suffix == ".json":
        data = without_times(json.loads(path.read_bytes()))
        return _digest(_timeless(json.dumps(data, sort_keys=True)).encode())
    if path.suffix == ".csv":
        return _digest(_timeless(json.dumps(without_times(_rows(path)))).encode())
    if path.suffix in {".html", ".txt", ".toml", ".md"}:
        return _digest(_timeless(path.read_text(encoding="utf-8")).encode())
    return _digest(path.read_bytes())


def _timeless(text: str) -> str:
    return RUN.sub(r"\1-N", CLOCK.sub("<time>", COURSE.sub("", text)))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _written(path: Path) -> list[tuple[str, list[Any]]]:
    """Its files are noted as they are done, by several threads."""
    return sorted(json.loads(path.read_bytes()).items())


def without_times(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: without_times(value) for key, value in data.items() if key not in TIMES}
    return [without_times(one) for one in data] if isinstance(data, list) else data


def _tensor_file(data: bytes) -> bytes:
    """A safetensors file with its header in order and without times."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    metadata = without_times(header.pop("__metadata__", {}))
    return json.dumps([metadata, header], sort_keys=True).encode() + data[end:]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
