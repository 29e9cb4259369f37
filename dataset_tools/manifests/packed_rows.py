"""A million rows in the memory of a few thousand: blocks of rows, compressed, unpacked one at a time."""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import overload

from dataset_tools.errors import Problems
from dataset_tools.manifests.schema import ManifestRow

BLOCK_ROWS = 512
_Placed = tuple[str, ManifestRow]


class PackedRows(Sequence[ManifestRow]):
    """Rows in order, each with its place in the file; read in order they are unpacked once."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._open: list[_Placed] = []
        self._last: tuple[int, list[_Placed]] = (-1, [])
        self._digests = array("Q")

    def append(self, where: str, row: ManifestRow) -> None:
        """Add a row that stands at ``where``."""
        self._digests.append(_digest(row.image))
        self._open.append((where, row))
        if len(self._open) == BLOCK_ROWS:
            self._packed.append(zlib.compress(pickle.dumps(self._open, pickle.HIGHEST_PROTOCOL), 1))
            self._open = []

    def placed(self) -> Iterator[_Placed]:
        """``(where, row)`` of each row."""
        for number in range(len(self._packed)):
            yield from self._unpacked(number)
        yield from self._open

    def tell_repeated(self, problems: Problems) -> None:
        """A problem for each row whose image an earlier row has."""
        import numpy as np

        digests, counts = np.unique(np.frombuffer(self._digests, np.uint64), return_counts=True)
        repeated = set(digests[counts > 1].tolist())
        first: dict[str, str] = {}
        for (where, row), digest in zip(self.placed() if repeated else (), self._digests, strict=False):
            if digest in repeated and first.setdefault(row.image, where) != where:
                problems.add(where, f"image '{row.image}' is there already, at {first[row.image]}")

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[ManifestRow]:
        return (row for _, row in self.placed())

    @overload
    def __getitem__(self, index: int) -> ManifestRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[ManifestRow]: ...
    def __getitem__(self, index: int | slice) -> ManifestRow | list[ManifestRow]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        block, inside = divmod(range(len(self))[index], BLOCK_ROWS)
        return (self._unpacked(block) if block < len(self._packed) else self._open)[inside][1]

    def _unpacked(self, number: int) -> list[_Placed]:
        if self._last[0] != number:
            self._last = (number, pickle.loads(zlib.decompress(self._packed[number])))
        return self._last[1]


def _digest(image: str) -> int:
    return int.from_bytes(blake2b(image.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")
