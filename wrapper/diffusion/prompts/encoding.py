"""Prompts → what a diffusers pipeline takes instead of them: embeddings with A1111's weights, any length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.diffusion.prompts.chunks import Chunk, chunks
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.prompts.remembered import remembered

if TYPE_CHECKING:
    from torch import Tensor

    from wrapper.diffusion.prompts.prompt import Prompt

SDXL_LAYER = 2
"""SDXL was trained on the layer before the last of both text encoders."""
ROUNDING = 1e-6
"""A mean smaller than this share of the mean size is float32's rounding."""


def encode_prompts(
    pipeline: Any, prompts: Sequence[Prompt], cfg: float, clip_skip: int = 1
) -> dict[str, Tensor]:
    """``prompt_embeds`` [N, 77 · chunks, C], and for a ``cfg`` over 1 also ``negative_prompt_embeds``.

    For SDXL also ``pooled_prompt_embeds`` and ``negative_pooled_prompt_embeds`` [N, C2], of the first chunk.
    ``clip_skip`` counts layers from the last, which is 1, as A1111 does. What is shorter than the longest is
    filled up with empty chunks. A prompt's numbers don't depend on the others in the batch.

    Raises `UserError` for syntax that is not supported, and for a layer that there is not.
    """
    import torch

    texts = [prompt.text for prompt in prompts]
    negatives = [prompt.negative for prompt in prompts] if cfg > 1 else []
    for text in {*texts, *negatives}:
        check_prompt(text)
    with torch.no_grad():
        encoded = _Encoders(pipeline, clip_skip).encode([*texts, *negatives])
        if _zero_when_empty(pipeline):
            for place, text in enumerate(negatives, start=len(texts)):
                if not text:
                    encoded[place] = _zeros(encoded[place])
    return {
        **_named("", encoded[: len(texts)]),
        **_named("negative_", encoded[len(texts) :]),
    }


def equal_lengths(pipeline: Any, prompts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
    """``prompts`` in runs of equally many chunks: one that is filled up draws a slightly other picture."""
    from itertools import groupby

    encoders = _Encoders(pipeline)

    def length(prompt: Prompt) -> int:
        return max(encoders.chunk_count(text) for text in (prompt.text, prompt.negative))

    for _, run in groupby(prompts, key=length):
        yield list(run)


def check_clip_skip(pipeline: Any, clip_skip: int) -> None:
    """Raise `UserError` for a layer that the text encoders lack; SDXL has one choice, as in A1111."""
    if _is_sdxl(pipeline):
        if clip_skip not in (1, SDXL_LAYER):
            raise UserError(
                f"CLIP skip {clip_skip}: SDXL reads the layer before the last and no other.", "Leave it out."
            )
        return
    layers = pipeline.text_encoder.config.num_hidden_layers
    if not 1 <= clip_skip <= layers:
        raise UserError(f"CLIP skip {clip_skip}: this base's text encoder has {layers} layers.")


Encoded = tuple["Tensor", "Tensor | None"]
"""One text: [77 · chunks, C], and pooled [C2] for SDXL."""


class _Encoders:
    """The one or two text encoders of a pipeline, with their tokenizers."""

    def __init__(self, pipeline: Any, clip_skip: int = 1) -> None:
        check_clip_skip(pipeline, clip_skip)
        self.device = pipeline._execution_device
        self.layer = SDXL_LAYER if _is_sdxl(pipeline) else clip_skip
        self.normed = not _is_sdxl(pipeline)
        pairs = [(pipeline.text_encoder, pipeline.tokenizer)]
        if _is_sdxl(pipeline):
            pairs.append((pipeline.text_encoder_2, pipeline.tokenizer_2))
        self.pairs = pairs
        self.memories = [remembered(encoder) for encoder, _ in pairs]

    def chunk_count(self, text: str) -> int:
        return max(len(part) for part in self._chunked(text))

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Every text once, all as long as the longest."""
        chunked = {text: self._chunked(text) for text in dict.fromkeys(texts)}
        count = max(len(part) for parts in chunked.values() for part in parts)
        encoded = {text: self._joined(parts, count) for text, parts in chunked.items()}
        return [encoded[text] for text in texts]

    def _chunked(self, text: str) -> list[list[Chunk]]:
        return [
            chunks(text, tokenizer, encoder.config.max_position_embeddings)
            for encoder, tokenizer in self.pairs
        ]

    def _joined(self, parts: list[list[Chunk]], count: int) -> Encoded:
        import torch

        by_encoder, pooled = [], None
        for place, found in enumerate(parts):
            encoded = [self._encode(place, chunk) for chunk in [*found, *[Chunk()] * (count - len(found))]]
            by_encoder.append(torch.cat([states for states, _ in encoded]))
            pooled = encoded[0][1]
        return torch.cat(by_encoder, dim=-1), pooled

    def _encode(self, place: int, chunk: Chunk) -> Encoded:
        (encoder, tokenizer), memory = self.pairs[place], self.memories[place]
        padded = chunk.padded(tokenizer, encoder.config.max_position_embeddings)
        key = (padded, self.layer, self.normed, self.device)
        if key not in memory:
            memory[key] = self._run(encoder, padded)
        encoded: Encoded = memory[key]
        return encoded

    def _run(self, encoder: Any, chunk: Chunk) -> Encoded:
        """States of one chunk, called as diffusers calls it: alone, so that batches change no number."""
        import torch

        ids = torch.tensor([chunk.tokens], device=self.device)
        plain = self.normed and self.layer == 1
        out = encoder(ids, attention_mask=None, output_hidden_states=not plain)
        states = out.last_hidden_state if plain else out.hidden_states[-self.layer]
        if self.normed and not plain:
            states = getattr(encoder, "text_model", encoder).final_layer_norm(states)
        pooled = None if self.normed else getattr(out, "text_embeds", None)
        return weighted(states[0], chunk.weights), None if pooled is None else pooled[0]


def weighted(states: Tensor, weights: Sequence[float]) -> Tensor:
    """``states`` [T, C] times ``weights`` [T], brought back to the mean that they had.

    A1111's "Original" emphasis (``modules/sd_emphasis.py``, 1.10). A mean of nothing but rounding (an encoder
    that was never trained has it) is not brought back.
    """
    import torch

    if all(weight == 1 for weight in weights):
        return states
    full = states.float()
    changed = full * torch.tensor(weights, device=full.device)[:, None]
    if _has_mean(full) and _has_mean(changed):
        changed *= full.mean() / changed.mean()
    return changed.to(states.dtype)


def _has_mean(states: Tensor) -> bool:
    return bool(states.mean().abs() > ROUNDING * states.abs().mean())


def _is_sdxl(pipeline: Any) -> bool:
    return getattr(pipeline, "text_encoder_2", None) is not None


def _zero_when_empty(pipeline: Any) -> bool:
    """SDXL takes no negative prompt as nothing at all, in A1111 and in diffusers."""
    return _is_sdxl(pipeline) and bool(getattr(pipeline.config, "force_zeros_for_empty_prompt", True))


def _zeros(encoded: Encoded) -> Encoded:
    states, pooled = encoded
    return states.new_zeros(states.shape), None if pooled is None else pooled.new_zeros(pooled.shape)


def _named(prefix: str, encoded: Sequence[Encoded]) -> dict[str, Tensor]:
    import torch

    if not encoded:
        return {}
    named = {f"{prefix}prompt_embeds": torch.stack([states for states, _ in encoded])}
    pooled = [pooled for _, pooled in encoded if pooled is not None]
    return {**named, f"{prefix}pooled_prompt_embeds": torch.stack(pooled)} if pooled else named
