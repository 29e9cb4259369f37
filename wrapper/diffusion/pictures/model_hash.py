"""The hashes by which pictures name their base model and LoRAs: worked out once, remembered in the cache.

A single file's is A1111's model hash: the first 10 digits of its SHA-256. A diffusers folder has none there;
here it is the same of a list of its weights and settings, each with its own SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock, Thread

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, data_hash, write_json
from wrapper.lora.hashes import autov3
from wrapper.places import cache_folder

Stamp = tuple[tuple[str, int, int], ...]
SHORT = 10
_PARTS = ("unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler")
_KINDS = (".safetensors", ".json", ".txt", ".ckpt", ".bin")
_writing = Lock()


def start_hashing(base: Path) -> None:
    """Begin with `base_hash` beside whatever else is done, such as loading the model."""
    _begun(base.absolute(), _stamp(base), _base_digest)


def base_hash(base: Path) -> str:
    """The short hash of a base model, a single file or a diffusers folder."""
    return _begun(base.absolute(), _stamp(base), _base_digest).result()


def lora_hash(path: Path) -> str:
    """A1111's short hash of a LoRA file: the first 12 digits of the SHA-256 of its tensors."""
    return _begun(path.absolute(), _stamp(path), autov3).result()


def used_before(digest: str) -> Iterator[Path]:
    """Models of that short hash that were used on this machine and are still what they were."""
    for name, (stamp, known) in _read().items():
        if known == digest and _stamp(Path(name)) == stamp:
            yield Path(name)


@cache
def _begun(path: Path, stamp: Stamp, digest: Callable[[Path], str]) -> Future[str]:
    """The digest of ``path`` as it is now: remembered, or worked out in a thread."""
    answer: Future[str] = Future()
    known_stamp, known = _read().get(str(path), ((), ""))
    if known and known_stamp == stamp:
        answer.set_result(known)
    else:
        Thread(target=_work_out, args=(answer, path, stamp, digest), daemon=True).start()
    return answer


def _work_out(answer: Future[str], path: Path, stamp: Stamp, digest: Callable[[Path], str]) -> None:
    try:
        found = digest(path)
        with _writing, suppress(UserError):  # a cache that cannot be written costs time, no picture
            there = {name: entry for name, entry in _read().items() if Path(name).exists()}
            write_json(_memory(), {**there, str(path): [stamp, found]})
        answer.set_result(found)
    except BaseException as error:
        answer.set_exception(error)  # raised where the answer is asked for


def _base_digest(base: Path) -> str:
    if not base.is_dir():
        return content_hash(base)[:SHORT]
    return data_hash([[path.relative_to(base).as_posix(), content_hash(path)] for path in _files(base)])[
        :SHORT
    ]


def _files(base: Path) -> list[Path]:
    """What a pipeline is loaded from; of weights in two precisions only the full one."""
    if not base.is_dir():
        return [base] if base.is_file() else []
    files = [path for part in _PARTS for path in sorted((base / part).glob("*")) if path.suffix in _KINDS]
    full = {path.parent for path in files if path.suffix == ".safetensors" and ".fp16." not in path.name}
    return [path for path in files if ".fp16." not in path.name or path.parent not in full]


def _stamp(base: Path) -> Stamp:
    """Name, size and time of change of every file that counts; empty for what is not there."""
    facts = [(path, path.stat()) for path in _files(base)]
    return tuple((path.name, fact.st_size, fact.st_mtime_ns) for path, fact in facts)


def _memory() -> Path:
    return cache_folder() / "model-hashes.json"


def _read() -> dict[str, tuple[Stamp, str]]:
    """Short hashes by absolute path, each with the stamp of what was hashed; empty when spoiled."""
    try:
        data = from_json(bounded_text(_memory()))
        return {name: (_tuples(stamp), str(digest)) for name, (stamp, digest) in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _tuples(stamp: list[tuple[str, int, int]]) -> Stamp:
    return tuple((name, size, changed_ns) for name, size, changed_ns in stamp)
