"""Inputs that are almost right: whole ones with a few bytes cut, repeated, exchanged or made odd."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TRIES = int(os.environ.get("LORAWRAP_FUZZ", "0"))
"""So many inputs a reader, at random; 0: a few, the same ones each time."""
ODD = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b"\x1b[31m",
    b"\xed\xa0\x80",
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"99999999999999999999999",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b"../../etc/passwd",
    b"C:\\con",
    b"(" * 200,
    b"[" * 3000,
    b"{{7*7}}",
    b"<script>",
    "İ𝕏\u202e".encode(),
)


def tries(count: int) -> Any:
    """Settings for a test that tries ``count`` inputs, or `TRIES`."""
    return settings(
        max_examples=TRIES or count,
        derandomize=not TRIES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def mutated(draw: Callable, seeds: Sequence[bytes]) -> bytes:
    """One of ``seeds`` after up to five changes, each at a place of its own."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.integers(0, 12)), len(data))
        new = draw(st.sampled_from(ODD) | st.binary(max_size=6) | st.just(data[start:end] * 2))
        data = data[:start] + new + data[end:]
    return data


def spliced(seeds: Sequence[str]) -> st.SearchStrategy[str]:
    """Text out of pieces of ``seeds`` and of any characters, halves of surrogate pairs too."""
    pieces = sorted({piece for seed in seeds for piece in seed.split(" ") if piece})
    anything = st.text(st.characters(exclude_categories=()), max_size=8)
    return st.lists(st.sampled_from(pieces) | anything, max_size=12).map(" ".join)
