"""A caption as the text encoders' outputs, the way this version of sd-scripts hands them to the U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def encode_captions(
    trainer: Any, args: Any, accelerator: Any, tokenizers: Any, encoders: Sequence[Any], caption: str
) -> Any:
    """What ``call_unet`` takes as ``text_conds``, for one caption."""
    if hasattr(trainer, "get_tokenize_strategy"):
        return _by_strategy(trainer, args, accelerator, encoders, caption)
    return _by_trainer(trainer, args, accelerator, tokenizers, encoders, caption)


def _by_strategy(trainer: Any, args: Any, accelerator: Any, encoders: Sequence[Any], caption: str) -> Any:
    """sd-scripts from v0.10: strategies, set when training began."""
    from library.strategy_base import TextEncodingStrategy, TokenizeStrategy

    words = TokenizeStrategy.get_strategy()
    tokens = [ids.to(accelerator.device) for ids in words.tokenize(caption)]
    models = trainer.get_models_for_text_encoding(args, accelerator, list(encoders))
    return TextEncodingStrategy.get_strategy().encode_tokens(words, models, tokens)


def _by_trainer(
    trainer: Any, args: Any, accelerator: Any, tokenizers: Any, encoders: Sequence[Any], caption: str
) -> Any:
    """sd-scripts v0.9: token ids from the dataset, encoded by a method of the trainer."""
    several = list(tokenizers) if isinstance(tokenizers, (list, tuple)) else [tokenizers]
    dataset = trainer.scenes[0]
    names = ("input_ids", "input_ids2")
    batch = {
        name: dataset.get_input_ids(caption, tokenizer)[None]
        for name, tokenizer in zip(names, several, strict=False)
    }
    return trainer.get_text_cond(args, accelerator, batch, several, list(encoders), trainer.weight_dtype)
