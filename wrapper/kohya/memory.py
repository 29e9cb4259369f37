"""How much GPU memory a LoRA training needs, foreseen from its settings.

Weights, LoRA and optimizer follow from the numbers of parameters. Activations are linear in pixels and batch:
their figures were counted over the tensors that sd-scripts v0.10.1's own U-Nets hold at the peak of a forward
and backward pass with LoRA (fake tensors, no GPU). Sample images and other programs' memory are not counted.

Against published figures: SDXL at 1024 px, rank 32, takes 17.4 GiB, with gradient checkpointing 9.4, and
then 6.4 in 8 bits: foreseen within 3 %. 13.1 for a batch of two is foreseen 23 % too low. SD 1.5 at 512 px,
rank 128, batches of 1 to 13 without checkpointing, 6 to 22 GiB: foreseen 5 to 14 % too low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wrapper.base_model.kinds import Kind

GIB = 2**30
CUDA_GIB = 1.0
"""The CUDA context with the libraries' work space; about the same on every card."""
SLACK = 1.05
"""The allocator's blocks are a little larger than the tensors in them."""
TOKENS = 75


@dataclass(frozen=True)
class Size:
    """Parameters in numbers, activations in GiB at mixed precision.

    ``per_rank`` are LoRA parameters for each unit of rank: U-Net, its 3×3 convolutions, text encoders.
    ``kept`` is for one image of ``area`` pixels, ``checkpointed`` with gradient checkpointing; the ``matrix``
    figures come on top where no memory-efficient attention is chosen, and grow with the square of the area.
    ``text`` is for one trained caption of 75 tokens, ``full_precision`` the factors without mixed precision.
    """

    unet: int
    text_encoders: int
    per_rank: tuple[int, int, int]
    area: int
    kept: float
    checkpointed: float
    kept_matrix: float
    checkpointed_matrix: float
    text: float
    full_precision: tuple[float, float]


SIZES: dict[Kind, Size] = {
    "sd15": Size(
        unet=859_520_964,
        text_encoders=123_060_480,
        per_rank=(423_936, 626_880, 165_888),
        area=512 * 512,
        kept=1.231,
        checkpointed=0.215,
        kept_matrix=4.70,
        checkpointed_matrix=1.384,
        text=0.033,
        full_precision=(1.47, 1.72),
    ),
    "sdxl": Size(
        unet=2_567_463_684,
        text_encoders=817_720_320,
        per_rank=(2_659_840, 414_400, 903_168),
        area=1024 * 1024,
        kept=8.092,
        checkpointed=0.757,
        kept_matrix=17.27,
        checkpointed_matrix=1.65,
        text=0.15,
        full_precision=(1.58, 1.82),
    ),
}
VAE_PARAMETERS = 83_653_863
VAE_BYTES_PER_PIXEL = 2572
"""What encoding one pixel takes in 32 bits."""
STATE_BYTES = {
    "adafactor": 0.1,
    "sgdnesterov": 4,
    "sgdnesterov8bit": 1,
    "lion": 4,
    "lion8bit": 1,
    "pagedlion8bit": 1,
    "adamw8bit": 2,
    "pagedadamw8bit": 2,
    "prodigy": 16,
    "dadaptation": 16,
    "dadaptadampreprint": 16,
    "dadaptadam": 16,
    "dadaptlion": 12,
}
"""Bytes of optimizer state for each trained parameter in 32 bits; AdamW and whatever is not here take 8."""


@dataclass(frozen=True)
class Forecast:
    """Parts in GiB, by name, at the moment when most is needed."""

    parts: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {size:.1f}" for name, size in self.parts.items() if size >= 0.05)
        return f"about {self.total:.1f} GiB of GPU memory: {parts}"


def forecast(values: Mapping[str, Any], kind: Kind, resolution: tuple[int, int], batch: int = 1) -> Forecast:
    """Foresee a run with the training file's ``values`` (flat) at ``resolution`` pixels and ``batch`` images.

    Buckets have at most the resolution's area. The larger of training and caching latents counts.
    """
    size, area = SIZES[kind], resolution[0] * resolution[1]
    lora = _lora_gib(values, size)
    training = {
        "U-Net": _weights_gib(size.unet, values, "fp8_base", "fp8_base_unet"),
        "text encoders": _text_encoders_gib(values, size),
        "VAE": 0.0 if values.get("cache_latents") else _vae_gib(values),
        "LoRA and optimizer": lora,
        "activations": SLACK
        * max(_activations_gib(values, size, area, batch), _encoding_gib(values, area, batch)),
        "CUDA": CUDA_GIB,
    }
    caching = {"VAE": _vae_gib(values), "encoding": _caching_gib(values, area), "CUDA": CUDA_GIB}
    return max(Forecast(training), Forecast(caching), key=lambda one: one.total)


def _mixed(values: Mapping[str, Any]) -> bool:
    return values.get("mixed_precision") in ("fp16", "bf16")


def _weights_gib(parameters: int, values: Mapping[str, Any], *eight_bits: str) -> float:
    if any(values.get(key) for key in eight_bits):
        return parameters / GIB
    return parameters * (2 if _mixed(values) else 4) / GIB


def _text_encoders_gib(values: Mapping[str, Any], size: Size) -> float:
    """On the GPU even when not trained, unless their outputs are cached."""
    if values.get("cache_text_encoder_outputs"):
        return 0.0
    eight_bits = () if values.get("fp8_base_unet") else ("fp8_base",)
    return _weights_gib(size.text_encoders, values, *eight_bits)


def _vae_gib(values: Mapping[str, Any]) -> float:
    return VAE_PARAMETERS * _vae_bytes(values) / GIB


def _vae_bytes(values: Mapping[str, Any]) -> int:
    return 2 if _mixed(values) and not values.get("no_half_vae") else 4


def _lora_gib(values: Mapping[str, Any], size: Size) -> float:
    """Weights, gradients, optimizer states, and the 16-bit copy that mixed precision makes of the weights."""
    full_half = values.get("full_fp16") or values.get("full_bf16")
    each = 2 if full_half else 4
    copy = 2 if _mixed(values) and not full_half else 0
    state = STATE_BYTES.get(_optimizer(values), 8) * each / 4
    return _lora_parameters(values, size) * (2 * each + copy + state) / GIB


def _lora_parameters(values: Mapping[str, Any], size: Size) -> int:
    rank = int(values.get("network_dim") or 4)
    conv = int(_network_args(values).get("conv_dim") or 0)
    unet, convolutions, text = size.per_rank
    trained = 0
    if not values.get("network_train_text_encoder_only"):
        trained += unet * rank + convolutions * conv
    if _trains_text(values):
        trained += text * rank
    return trained


def _network_args(values: Mapping[str, Any]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in values.get("network_args") or () if "=" in str(item))


def _trains_text(values: Mapping[str, Any]) -> bool:
    return not values.get("network_train_unet_only")


def _optimizer(values: Mapping[str, Any]) -> str:
    if values.get("use_8bit_adam"):
        return "adamw8bit"
    if values.get("use_lion_optimizer"):
        return "lion"
    return str(values.get("optimizer_type") or "AdamW").rpartition(".")[2].lower()


def _activations_gib(values: Mapping[str, Any], size: Size, area: int, batch: int) -> float:
    share = area / size.area
    checkpointing = bool(values.get("gradient_checkpointing"))
    image = (size.checkpointed if checkpointing else size.kept) * share
    if not any(values.get(key) for key in ("sdpa", "xformers", "mem_eff_attn")):
        image += (size.checkpointed_matrix if checkpointing else size.kept_matrix) * share**2
    if _trains_text(values) and not checkpointing:
        image += size.text * max(int(values.get("max_token_length") or TOKENS) // TOKENS, 1)
    return image * batch * (1.0 if _mixed(values) else size.full_precision[checkpointing])


def _encoding_gib(values: Mapping[str, Any], area: int, batch: int) -> float:
    """Images that are not cached are encoded in each step, before the U-Net's activations are there."""
    if values.get("cache_latents"):
        return 0.0
    return area * batch * VAE_BYTES_PER_PIXEL * _vae_bytes(values) / 4 / GIB


def _caching_gib(values: Mapping[str, Any], area: int) -> float:
    if not values.get("cache_latents"):
        return 0.0
    at_once = int(values.get("vae_batch_size") or 1)
    return SLACK * area * at_once * VAE_BYTES_PER_PIXEL * _vae_bytes(values) / 4 / GIB
