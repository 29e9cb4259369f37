"""Half a million notes of written files in the memory of some ten thousand: names and bytes in arrays."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

_ENTRY = struct.Struct("<32sqq16s")


class Written(NamedTuple):
    """A file as the build left it. ``recipe`` says what it was made from, nothing for the build's records.

    Both hashes are hex: SHA-256, and 16 bytes for the recipe.
    """

    sha256: str
    size: int = -1
    mtime_ns: int = -1
    recipe: str = ""


class WrittenFiles(Mapping[str, Written]):
    """Path → `Written`. Each has a number, in no order."""

    def __init__(self, files: Iterable[tuple[str, Written]] = ()) -> None:
        import numpy as np

        names, entries, ends, digests = bytearray(), bytearray(), array("Q"), array("Q")
        for name, written in files:
            names += name.encode("utf-8", "surrogateescape")
            ends.append(len(names))
            digests.append(_digest(name))
            entries += _packed(written)
        self._names, self._entries, self._ends = names, entries, ends
        order = np.argsort(np.frombuffer(digests, np.uint64), kind="stable")
        self._place = array("Q", order.astype(np.uint64).tobytes())
        self._digests = array("Q", np.frombuffer(digests, np.uint64)[order].tobytes())

    def number(self, name: str) -> int | None:
        """None for a file that is not noted."""
        digest = _digest(name)
        at = bisect_left(self._digests, digest)
        while at < len(self._digests) and self._digests[at] == digest:
            if self.name(self._place[at]) == name:
                return self._place[at]
            at += 1
        return None

    def name(self, number: int) -> str:
        start = self._ends[number - 1] if number else 0
        return self._names[start : self._ends[number]].decode("utf-8", "surrogateescape")

    def written(self, number: int) -> Written:
        sha256, size, mtime_ns, recipe = _ENTRY.unpack_from(self._entries, number * _ENTRY.size)
        return Written(sha256.hex(), size, mtime_ns, recipe.hex() if any(recipe) else "")

    def only(self, wanted: Callable[[int], object]) -> WrittenFiles:
        """Those whose numbers are ``wanted``."""
        numbers = (number for number in range(len(self)) if wanted(number))
        return WrittenFiles((self.name(number), self.written(number)) for number in numbers)

    def __getitem__(self, name: str) -> Written:
        number = self.number(name)
        if number is None:
            raise KeyError(name)
        return self.written(number)

    def __iter__(self) -> Iterator[str]:
        return (self.name(number) for number in range(len(self)))

    def __len__(self) -> int:
        return len(self._ends)


def _digest(name: str) -> int:
    data = name.encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _packed(written: Written) -> bytes:
    """ValueError for hashes that are none."""
    sha256, recipe = bytes.fromhex(written.sha256), bytes.fromhex(written.recipe)
    if len(sha256) != 32 or len(recipe) not in (0, 16):
        raise ValueError("no hash")
    try:
        return _ENTRY.pack(sha256, written.size, written.mtime_ns, recipe)
    except struct.error as error:
        raise ValueError(f"no size or time: {error}") from error
