"""Captions to what the U-Net is conditioned on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from wrapper.trainer.data.cache import TensorCache, cache_key, weights_hash
from wrapper.trainer.model import Model

REMEMBERED = 4096
"""Captions whose encodings stay on the device."""


def encode(model: Model, captions: Sequence[str], clip_skip: int | None) -> dict[str, Tensor]:
    """``hidden`` [B, N, D], and for SDXL ``pooled`` [B, P], of ``captions``.

    SD 1.5: the last layer, or ``clip_skip`` layers from the end, through the final norm. SDXL: the last
    layer but one of both encoders side by side, pooled at the second's end token.
    """
    tokens = [_tokens(tokenizer, captions, model.device) for tokenizer in model.tokenizers]
    if model.info.kind == "sd15":
        return {"hidden": _encode_sd15(model.text_encoders[0], tokens[0], clip_skip)}
    first = model.text_encoders[0](tokens[0], output_hidden_states=True)
    second = model.text_encoders[1](tokens[1], output_hidden_states=True)
    hidden = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    return {"hidden": hidden, "pooled": second.text_embeds}


def _tokens(tokenizer: Any, captions: Sequence[str], device: torch.device) -> Tensor:
    ids = tokenizer(
        list(captions),
        padding="max_length",
        truncation=True,
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    ).input_ids
    return ids.to(device)


def _encode_sd15(encoder: Any, tokens: Tensor, clip_skip: int | None) -> Tensor:
    if clip_skip is None or clip_skip == 1:
        return encoder(tokens).last_hidden_state
    layer = encoder(tokens, output_hidden_states=True).hidden_states[-clip_skip]
    inner = getattr(encoder, "text_model", encoder)
    return inner.final_layer_norm(layer)


class FrozenText:
    """Encodings of captions by text encoders that do not learn: each caption is encoded once."""

    def __init__(self, model: Model, clip_skip: int | None, cache: TensorCache) -> None:
        self.model, self.clip_skip, self.cache = model, clip_skip, cache
        self.recent: OrderedDict[str, dict[str, Tensor]] = OrderedDict()
        self.weights = [weights_hash(encoder) for encoder in model.text_encoders] if cache.folder else []

    def prepare(self, captions: Iterable[str]) -> None:
        """Encode all of ``captions`` now, and keep them for good, in the cache's folder when it has one."""
        for caption in captions:
            key = self._key(caption)
            if self.cache.find(key) is None:
                self.cache.put(key, self._encode(caption))

    def encode(self, captions: Sequence[str]) -> dict[str, Tensor]:
        """As `encode` does, on the model's device."""
        rows = [self._row(caption) for caption in captions]
        return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}

    def _row(self, caption: str) -> dict[str, Tensor]:
        if caption not in self.recent:
            row = self.cache.memory.get(self._key(caption)) or self._encode(caption)
            self.recent[caption] = {name: tensor.to(self.model.device) for name, tensor in row.items()}
            if len(self.recent) > REMEMBERED:
                self.recent.popitem(last=False)
        return self.recent[caption]

    def _encode(self, caption: str) -> dict[str, Tensor]:
        with torch.no_grad():
            return encode(self.model, [caption], self.clip_skip)

    def _key(self, caption: str) -> str:
        return cache_key(
            what="text",
            caption=caption,
            weights=self.weights,
            clip_skip=self.clip_skip,
            precision=str(self.model.dtype),
        )
