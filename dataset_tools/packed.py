"""Many objects in the memory of a few: blocks of them, compressed, unpacked one block at a time."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, overload

T = TypeVar("T")
BLOCK = 512


class Packed(Sequence[T]):
    """A list for reading in order; a block is unpacked for the time that its items are read."""

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._blocks: list[bytes] = []
        self._open: list[T] = []
        for item in items:
            self.append(item)

    def append(self, item: T) -> None:
        self._open.append(item)
        if len(self._open) == BLOCK:
            self._blocks.append(zlib.compress(pickle.dumps(self._open, pickle.HIGHEST_PROTOCOL), 1))
            self._open = []

    def __len__(self) -> int:
        return len(self._blocks) * BLOCK + len(self._open)

    def __iter__(self) -> Iterator[T]:
        for block in range(len(self._blocks)):
            yield from self._unpacked(block)
        yield from self._open

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        block, inside = divmod(range(len(self))[index], BLOCK)
        return (self._unpacked(block) if block < len(self._blocks) else self._open)[inside]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == its for one, its in zip(self, other, strict=True))

    def _unpacked(self, block: int) -> list[T]:
        return pickle.loads(zlib.decompress(self._blocks[block]))
