"""The alphas that stand beside the tensors: PEFT's ``adapter_config.json``, diffusers' metadata.

PEFT's scale is ``lora_alpha / r``, or ``lora_alpha / sqrt(r)`` with ``use_rslora`` (Kalajdzievski 2023); a
module's own alpha comes from ``alpha_pattern``, matched as peft 0.21 ``utils/other.py`` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError

CONFIG_NAME = "adapter_config.json"
ADAPTER_METADATA = "lora_adapter_metadata"
"""Where diffusers (0.34 and later) keeps each component's LoraConfig, as JSON: ``unet.lora_alpha``, …"""
_CHANGED_BASES = ("pissa", "olora", "loftq", "corda", "lora_ga")
_COMPONENTS = ("unet", "text_encoder", "text_encoder_2")


@dataclass(frozen=True)
class Settings:
    """PEFT's settings by component; those of an ``adapter_config.json``, which has one model, by ``""``."""

    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, module: str) -> Mapping[str, Any]:
        """What is set for the model of a module, by the module's name in the file."""
        return self.configs.get(module.partition(".")[0]) or self.configs.get("", {})

    def alpha(self, module: str, rank: int) -> float | None:
        """The alpha for which ``alpha / rank`` is PEFT's scale, None when nothing is set."""
        config = self.of(module)
        alpha = config.get("lora_alpha", config.get("alpha"))
        alpha = _matching(config.get("alpha_pattern") or {}, module, alpha)
        if alpha is None:
            return None
        return _number(alpha, "lora_alpha") * (rank**0.5 if config.get("use_rslora") else 1)

    def rank(self, module: str) -> float | None:
        """The rank that is set for a module, for forms that do not show it."""
        config = self.of(module)
        rank = _matching(config.get("rank_pattern") or {}, module, config.get("r"))
        return None if rank is None else _number(rank, "r")

    def faults(self) -> list[str]:
        """What these settings say that the tensors alone cannot express."""
        return [fault for config in self.configs.values() for fault in _config_faults(config)]

    @property
    def is_second_encoder(self) -> bool:
        """Whether an ``adapter_config.json`` says that its model is SDXL's second text encoder."""
        made_of = self.configs.get("", {}).get("auto_mapping") or {}
        return made_of.get("base_model_class") == "CLIPTextModelWithProjection"


def read_settings(path: Path, metadata: Mapping[str, str], wrapped: bool) -> Settings:
    """The settings of a LoRA file; ``wrapped``: its names are those of PEFT's own files.

    Raises `UserError` for settings that cannot be read.
    """
    config = path.with_name(CONFIG_NAME)
    if wrapped and config.is_file():
        try:
            return Settings({"": _table(bounded_text(config), str(config))})
        except (OSError, ValueError) as error:
            raise UserError(f"{config}: cannot be read ({error}).") from error
    if ADAPTER_METADATA not in metadata:
        return Settings()
    told = _table(metadata[ADAPTER_METADATA], f"{path} [{ADAPTER_METADATA}]")
    return Settings({part: _under(told, part) for part in _COMPONENTS if _under(told, part)})


def _table(text: str, where: str) -> dict[str, Any]:
    try:
        found = from_json(text)
    except ValueError as error:
        raise UserError(f"{where}: is not JSON ({error}).", "Get the file again.") from error
    if not isinstance(found, dict):
        raise UserError(f"{where}: is not a table of settings.", "Get the file again.")
    return found


def _under(settings: Mapping[str, Any], component: str) -> dict[str, Any]:
    start = f"{component}."
    return {key.removeprefix(start): value for key, value in settings.items() if key.startswith(start)}


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(
            f"The LoRA's settings: {name} is {value!r}, which is no number.", "Get the file again."
        )
    return float(value)


def _matching(patterns: Mapping[str, Any], module: str, default: Any) -> Any:
    for pattern, value in patterns.items():
        try:
            if re.match(rf"(.*\.)?({pattern})$", module):
                return value
        except re.error as error:
            raise UserError(f"{CONFIG_NAME}: the pattern {pattern!r} cannot be read ({error}).") from error
    return default


def _config_faults(config: Mapping[str, Any]) -> list[str]:
    start = str(config.get("init_lora_weights", "")).lower()
    faults = []
    if start.startswith(_CHANGED_BASES):
        faults.append(f"it was begun with {start}, which changes the base model's own weights")
    if config.get("use_dora"):
        faults.append("it is a DoRA, which depends on the base model's own weights")
    if config.get("fan_in_fan_out"):
        faults.append("its layers stand the other way round (fan_in_fan_out)")
    return faults
