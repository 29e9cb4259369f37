"""The LoRA that learns: PEFT layers on the same modules as sd-scripts' ``networks.lora``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import COMPONENTS, Component
from wrapper.lora.file import by_module, read_lora
from wrapper.lora.names import is_target, kohya_name
from wrapper.trainer.config import Settings
from wrapper.trainer.model import Model

ADAPTER = "default"


@dataclass(frozen=True)
class Rank:
    """``dim`` columns, scaled by ``alpha`` / ``dim``."""

    dim: int
    alpha: float


@dataclass(frozen=True)
class Layer:
    """One LoRA module: its Kohya name, PEFT's layer and its rank."""

    name: str
    component: Component
    module: Any
    rank: Rank

    @property
    def down(self) -> nn.Module:
        return self.module.lora_A[ADAPTER]

    @property
    def up(self) -> nn.Module:
        return self.module.lora_B[ADAPTER]

    def parameters(self) -> list[nn.Parameter]:
        return [self.down.weight, self.up.weight]


@dataclass(frozen=True)
class Network:
    """All LoRA modules of a run, text encoders first, as in sd-scripts' optimizer groups."""

    layers: tuple[Layer, ...]

    def parameters(self, *, unet: bool | None = None) -> list[nn.Parameter]:
        """Trainable weights: of the U-Net, of the text encoders, or (None) of all."""
        chosen = [layer for layer in self.layers if unet is None or (layer.component == "unet") is unet]
        return [weight for layer in chosen for weight in layer.parameters()]

    def tensors(self) -> dict[str, Tensor]:
        """The weights as a Kohya file has them, float32, an alpha on every module."""
        found: dict[str, Tensor] = {}
        for layer in self.layers:
            found[f"{layer.name}.lora_down.weight"] = layer.down.weight.detach().clone()
            found[f"{layer.name}.lora_up.weight"] = layer.up.weight.detach().clone()
            found[f"{layer.name}.alpha"] = torch.tensor(float(layer.rank.alpha))
        return found


def parse_network_args(args: Sequence[str] | None) -> dict[str, float]:
    """``["conv_dim=8", "conv_alpha=4"]`` → ``{"conv_dim": 8, "conv_alpha": 4}``; others are refused."""
    parsed: dict[str, float] = {}
    for arg in args or ():
        name, _, text = arg.partition("=")
        if name not in ("conv_dim", "conv_alpha"):
            raise UserError(
                f"'network_args': '{name}' is not supported by the embedded trainer.",
                "Supported are conv_dim and conv_alpha.",
            )
        try:
            parsed[name] = int(text) if name == "conv_dim" else float(text)
        except ValueError:
            raise UserError(f"'network_args': {name} must be a number, not '{text}'.") from None
    return parsed


def build_network(model: Model, settings: Settings) -> tuple[Network, list[str]]:
    """Put LoRA layers into the model's U-Net and text encoders; only their weights learn.

    Starts from zero (an update of nothing), or from ``network_weights``, whose modules that are not trained
    are returned by name.
    """
    given = read_lora(Path(settings.network_weights)).tensors if settings.network_weights else {}
    ranks = _ranks_of(given) if settings.dim_from_weights else None
    layers: list[Layer] = []
    for component, root in _components(model, settings).items():
        layers += _inject(component, root, model, _wanted(component, root, model, settings, ranks))
    if not layers:
        raise UserError(f"{settings.network_weights or 'The base'}: no module to train was found.")
    network = Network(tuple(layers))
    unused = load_weights(network, given, settings.network_weights) if given else []
    if settings.network_dropout:
        _drop_out(network, settings.network_dropout)
    return network, unused


def _components(model: Model, settings: Settings) -> dict[Component, nn.Module]:
    _, *text = COMPONENTS[model.info.kind]
    found: dict[Component, nn.Module] = {}
    if not settings.network_train_unet_only:
        found.update(zip(text, model.text_encoders, strict=True))
    if not settings.network_train_text_encoder_only:
        found["unet"] = model.unet
    return found


def _wanted(
    component: Component,
    root: nn.Module,
    model: Model,
    settings: Settings,
    ranks: Mapping[str, Rank] | None,
) -> dict[str, Rank]:
    """Which module paths get a LoRA of which rank."""
    extra = parse_network_args(settings.network_args)
    usual = Rank(settings.network_dim, settings.network_alpha)
    conv = Rank(int(extra["conv_dim"]), extra.get("conv_alpha", 1.0)) if "conv_dim" in extra else None
    wanted: dict[str, Rank] = {}
    for path, module in root.named_modules():
        if not is_target(component, path, conv=True):
            continue
        if ranks is not None:
            rank = ranks.get(module_name(component, path, model))
        else:
            rank = usual if is_target(component, path) or _is_pointwise(module) else conv
            rank = rank if conv or is_target(component, path) else None
        if rank:
            wanted[path] = rank
    return wanted


def _is_pointwise(module: nn.Module) -> bool:
    """Linear layers and 1 × 1 convolutions take ``network_dim``, larger ones ``conv_dim``."""
    return isinstance(module, nn.Linear) or getattr(module, "kernel_size", None) == (1, 1)


def module_name(component: Component, path: str, model: Model) -> str:
    """The Kohya name of a module of this model."""
    layers = model.unet.config.layers_per_block
    return kohya_name(component, path, model.info.kind, layers_per_block=layers)


def _inject(component: Component, root: nn.Module, model: Model, wanted: Mapping[str, Rank]) -> list[Layer]:
    from peft import LoraConfig, inject_adapter_in_model

    if not wanted:
        return []
    usual, _ = Counter(wanted.values()).most_common(1)[0]
    other = {f"^{path}": rank for path, rank in wanted.items() if rank != usual}
    config = LoraConfig(
        r=usual.dim,
        lora_alpha=usual.alpha,  # type: ignore[arg-type]
        target_modules=list(wanted),
        rank_pattern={path: rank.dim for path, rank in other.items()},
        alpha_pattern={path: rank.alpha for path, rank in other.items()},
    )
    inject_adapter_in_model(config, root, ADAPTER)
    modules = dict(root.named_modules())
    layers = [
        Layer(module_name(component, path, model), component, modules[path], rank)
        for path, rank in wanted.items()
    ]
    for layer in layers:
        for weight in layer.parameters():
            weight.data = weight.data.float()
            weight.requires_grad_(True)
    return layers


def _ranks_of(tensors: Mapping[str, Tensor]) -> dict[str, Rank]:
    return {
        name: Rank(parts["lora_down.weight"].shape[0], _alpha(parts))
        for name, parts in by_module(tensors).items()
        if "lora_down.weight" in parts
    }


def _alpha(parts: Mapping[str, Tensor]) -> float:
    """A module without alpha has the rank as its alpha."""
    return float(parts["alpha"]) if "alpha" in parts else float(parts["lora_down.weight"].shape[0])


def load_weights(network: Network, tensors: Mapping[str, Tensor], source: object) -> list[str]:
    """Set the network to a Kohya file's update, exactly; returns the file's modules that are not trained.

    Another alpha is worked into the weights. Raises `UserError` when a rank or a shape differs.
    """
    modules = by_module(tensors)
    faults = []
    for layer in network.layers:
        parts = modules.pop(layer.name, None)
        if parts is None:
            continue
        fault = _shape_fault(layer, parts)
        if fault:
            faults.append(f"{layer.name}: {fault}")
            continue
        scale = (_alpha(parts) / layer.rank.dim) / (layer.rank.alpha / layer.rank.dim)
        with torch.no_grad():
            layer.down.weight.copy_(parts["lora_down.weight"])
            layer.up.weight.copy_(parts["lora_up.weight"].float() * scale)
    if len(modules) == len(by_module(tensors)):
        faults.append("none of its modules is one of this network's")
    if faults:
        raise UserError(
            f"{source}: does not fit, {faults[0]}.", "Set the same network_dim, or dim_from_weights = true."
        )
    return sorted(modules)


def _shape_fault(layer: Layer, parts: Mapping[str, Tensor]) -> str:
    for part, weight in (("lora_down.weight", layer.down.weight), ("lora_up.weight", layer.up.weight)):
        if part not in parts:
            return f"it has no {part}"
        if parts[part].shape != weight.shape:
            return f"{part} is {tuple(parts[part].shape)}, not {tuple(weight.shape)}"
    return ""


def _drop_out(network: Network, share: float) -> None:
    """Dropout between down and up, where sd-scripts has it (PEFT's own comes before down)."""

    def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        return functional.dropout(output, share) if torch.is_grad_enabled() else output

    for layer in network.layers:
        layer.down.register_forward_hook(hook)


def all_finite(weights: Iterable[Tensor]) -> bool:
    """False when any weight is NaN or infinite."""
    return all(bool(torch.isfinite(weight).all()) for weight in weights)
