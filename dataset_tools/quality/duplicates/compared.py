"""Candidates → how well they agree: side by side on all processors, and only what is not known yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from typing import NamedTuple

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.agreement import CLOSE, agreement
from dataset_tools.quality.duplicates.candidates import Candidate
from dataset_tools.system.processors import usable

MOST_THREADS = 8
WAITING_PER_THREAD = 8

Known = MutableMapping[bytes, float]
"""Agreements by the pictures and how they are laid on each other."""


class Seen(NamedTuple):
    """Of a picture by its number: the digest, and the thumbnail, uint8 [`SIDE_PX`, `SIDE_PX`]."""

    digest: Callable[[int], bytes]
    grey: Callable[[int], Pixels]


def compared(
    found: Iterable[Candidate],
    seen: Seen,
    is_open: Callable[[Candidate], bool],
    known: Known,
) -> Iterator[tuple[Candidate, float]]:
    """Each candidate, in order, with its agreement; 0 for one that is not ``is_open`` any more.

    What is ``known`` is not looked at. OpenCV leaves Python's lock, so threads do it side by side.
    """
    threads = min(usable(), MOST_THREADS)
    waiting: deque[tuple[Candidate, bytes, Future[float] | float]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for candidate in found:
            waiting.append((candidate, *_begun(candidate, seen, is_open, known, pool)))
            if len(waiting) > threads * WAITING_PER_THREAD:
                yield _ended(*waiting.popleft(), known)
        while waiting:
            yield _ended(*waiting.popleft(), known)


def _begun(
    candidate: Candidate,
    seen: Seen,
    is_open: Callable[[Candidate], bool],
    known: Known,
    pool: ThreadPoolExecutor,
) -> tuple[bytes, Future[float] | float]:
    if not is_open(candidate):
        return b"", 0.0
    key = _key(candidate, seen.digest(candidate.query), seen.digest(candidate.other))
    value = known.get(key)
    if value is None:
        return key, pool.submit(agreement, candidate, seen.grey(candidate.query), seen.grey(candidate.other))
    return key, value


def _ended(
    candidate: Candidate, key: bytes, value: Future[float] | float, known: Known
) -> tuple[Candidate, float]:
    if isinstance(value, Future):
        value = known[key] = value.result()
    return candidate, value


def _key(candidate: Candidate, query: bytes, other: bytes) -> bytes:
    """All that the agreement hangs on but the code."""
    how = (candidate.similarity >= CLOSE, candidate.orientation, *candidate.place)
    return blake2b(f"{query.hex()} {other.hex()} {how}".encode(), digest_size=16).digest()
