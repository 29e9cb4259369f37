"""Prompts of any length in chunks that CLIP can read, cut where A1111 cuts (``sd_hijack_clip.py``, 1.10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wrapper.diffusion.prompts.attention import Piece, parse

COMMA_REACH = 20
"""A chunk that is full ends at its last comma, if that is at most so many tokens back."""


@dataclass(frozen=True)
class Chunk:
    """Token ids with their weights, without start, end and padding."""

    tokens: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()

    def padded(self, tokenizer: Any, length: int) -> Chunk:
        """As CLIP reads it: start, tokens, end, padding up to ``length``; those weigh 1."""
        blank = length - len(self.tokens) - 2
        tokens = (tokenizer.bos_token_id, *self.tokens, tokenizer.eos_token_id)
        return Chunk(
            (*tokens, *(tokenizer.pad_token_id,) * blank), (1.0, *self.weights, 1.0, *(1.0,) * blank)
        )


def chunks(prompt: str, tokenizer: Any, length: int) -> list[Chunk]:
    """``prompt`` in chunks of ``length - 2`` tokens, at least one; BREAK begins a new one.

    ``length`` is how many tokens the text encoder reads: 77.
    """
    filling = _Filling(length - 2, tokenizer.convert_tokens_to_ids(",</w>"))
    for number, section in enumerate(parse(prompt)):
        if number:
            filling.end_chunk()
        for token, weight in _tokens(section, tokenizer):
            filling.add(token, weight)
    if filling.tokens or not filling.done:
        filling.end_chunk()
    return filling.done


def _tokens(section: Sequence[Piece], tokenizer: Any) -> Iterator[tuple[int, float]]:
    for piece in section:
        if piece.text:
            ids = tokenizer(piece.text, add_special_tokens=False, truncation=False, verbose=False).input_ids
            yield from ((token, piece.weight) for token in ids)


class _Filling:
    """The chunk that is being filled, and those that are done."""

    def __init__(self, room: int, comma: int) -> None:
        self.room, self.comma = room, comma
        self.done: list[Chunk] = []
        self.tokens: list[int] = []
        self.weights: list[float] = []
        self.last_comma: int | None = None

    def add(self, token: int, weight: float) -> None:
        if token == self.comma:
            self.last_comma = len(self.tokens)
        if len(self.tokens) == self.room:
            self._make_room(token)
        self.tokens.append(token)
        self.weights.append(weight)

    def end_chunk(self, at: int | None = None) -> None:
        """Close the chunk after ``at`` tokens, all by default; the others begin the next one."""
        self.done.append(Chunk(tuple(self.tokens[:at]), tuple(self.weights[:at])))
        self.tokens = [] if at is None else self.tokens[at:]
        self.weights = [] if at is None else self.weights[at:]
        self.last_comma = None

    def _make_room(self, token: int) -> None:
        comma = self.last_comma
        near = comma is not None and self.room - comma <= COMMA_REACH
        self.end_chunk(comma + 1 if comma is not None and near and token != self.comma else None)
