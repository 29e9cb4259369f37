"""The optimizer and the learning-rate schedule."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Sequence
from typing import Any

import torch

from dataset_tools.errors import UserError
from wrapper.trainer.config import Settings
from wrapper.trainer.network import Network

ARGS = ("weight_decay", "betas", "eps")


def is_8bit(settings: Settings) -> bool:
    return settings.use_8bit_adam or settings.optimizer_type.lower() == "adamw8bit"


def parse_optimizer_args(args: Sequence[str] | None) -> dict[str, Any]:
    """``["weight_decay=0.1", "betas=0.9,0.99"]`` → ``{"weight_decay": 0.1, "betas": (0.9, 0.99)}``."""
    parsed: dict[str, Any] = {}
    for arg in args or ():
        name, _, text = arg.partition("=")
        if name not in ARGS:
            raise UserError(f"'optimizer_args': '{name}' is not supported.", f"Supported: {', '.join(ARGS)}.")
        try:
            value = literal_eval(text)
        except (ValueError, SyntaxError):
            value = None
        parsed[name] = tuple(value) if name == "betas" and isinstance(value, list | tuple) else value
        if not _fits(name, parsed[name]):
            raise UserError(f"'optimizer_args': '{arg}' has the wrong value.")
    return parsed


def _fits(name: str, value: Any) -> bool:
    if name == "betas":
        return isinstance(value, tuple) and len(value) == 2 and all(0 <= beta < 1 for beta in value)
    return isinstance(value, int | float) and value >= 0


def make_optimizer(network: Network, settings: Settings) -> tuple[torch.optim.Optimizer, list[str]]:
    """AdamW over the network's groups, and what each group is called (``textencoder``, ``unet``).

    A group whose learning rate is 0 is left out, as in sd-scripts, and frozen. Raises `UserError` when
    none is left.
    """
    text_lr = settings.text_encoder_lr
    text_lr = text_lr[0] if isinstance(text_lr, list) else text_lr
    groups, names = [], []
    for name, unet, own in (("textencoder", False, text_lr), ("unet", True, settings.unet_lr)):
        weights, rate = network.parameters(unet=unet), settings.learning_rate if own is None else own
        if weights and rate:
            groups.append({"params": weights, "lr": rate})
            names.append(name)
        else:
            for weight in weights:
                weight.requires_grad_(False)
    if not groups:
        raise UserError("Nothing would learn: every learning rate is 0.", "Set learning_rate.")
    options = parse_optimizer_args(settings.optimizer_args)
    if is_8bit(settings):
        return _adamw_8bit(groups, options), names
    return torch.optim.AdamW(groups, fused=True, **options), names


def _adamw_8bit(groups: list[dict[str, Any]], options: dict[str, Any]) -> torch.optim.Optimizer:
    from importlib.util import find_spec

    if not find_spec("bitsandbytes") or not torch.cuda.is_available():
        raise UserError("AdamW8bit needs the bitsandbytes package and a CUDA device.", "Use AdamW instead.")
    from bitsandbytes.optim import AdamW8bit

    return AdamW8bit(groups, **options)


def make_schedule(optimizer: torch.optim.Optimizer, settings: Settings, steps: int) -> Any:
    """diffusers' schedule ``lr_scheduler`` over ``steps`` optimizer steps."""
    from diffusers.optimization import get_scheduler

    warmup = settings.lr_warmup_steps
    return get_scheduler(
        settings.lr_scheduler,
        optimizer,
        num_warmup_steps=int(warmup * steps) if isinstance(warmup, float) else warmup,
        num_training_steps=steps,
        num_cycles=settings.lr_scheduler_num_cycles,
        power=settings.lr_scheduler_power,
    )
