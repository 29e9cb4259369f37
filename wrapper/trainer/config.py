"""The settings of a run: ``--config_file``'s sections flattened, the command line over them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_toml
from dataset_tools.errors import Problems, UserError
from wrapper.trainer.option import Option, find_fault
from wrapper.trainer.options import REFUSED, SCRIPTS, TRAIN_OPTIONS


@dataclass(frozen=True)
class Settings:
    """Every option of `TRAIN_OPTIONS` as an attribute; ``given`` are the names that somebody wrote down."""

    script: str
    values: Mapping[str, Any]
    given: frozenset[str]

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("values", {})
        if name not in values:
            raise AttributeError(name)
        return values[name]


def read_settings(argv: Sequence[str], script: str) -> Settings:
    """Settings of ``script`` (one of `SCRIPTS`) from its command line.

    Raises `UserError` that lists every unknown or unsupported option, wrong value and quarrel at once.
    """
    assert script in SCRIPTS
    config_file, written = parse_command_line(argv)
    problems = Problems()
    from_file = _flatten(read_toml(config_file), config_file, problems) if config_file else {}
    for name, value in from_file.items():
        _check(name, value, config_file, problems)
    given = {**from_file, **written}
    problems.raise_if_any()
    settings = Settings(
        script,
        {**{name: option.default for name, option in TRAIN_OPTIONS.items()}, **given},
        frozenset(given),
    )
    check_settings(settings, problems)
    problems.raise_if_any()
    return settings


def parse_command_line(argv: Sequence[str]) -> tuple[Path | None, dict[str, Any]]:
    """(``--config_file``, the other options); every value is checked."""
    parser = argparse.ArgumentParser(allow_abbrev=False, argument_default=argparse.SUPPRESS, add_help=False)
    parser.add_argument("--config_file", type=Path, default=None)
    for option in TRAIN_OPTIONS.values():
        _add_argument(parser, option)
    namespace, unknown = parser.parse_known_args(argv)
    problems = Problems()
    flags = [word for word in unknown if word.startswith("--")]
    for word in flags or unknown:
        if word in flags:
            _check(word[2:].split("=")[0], None, "command line", problems)
        else:
            problems.add("command line", f"'{word}' belongs to no option.")
    values = vars(namespace)
    config_file = values.pop("config_file")
    for name, value in values.items():
        _check(name, value, "command line", problems)
    problems.raise_if_any()
    return config_file, values


def _add_argument(parser: argparse.ArgumentParser, option: Option) -> None:
    flag = f"--{option.name}"
    if option.type == "bool":
        parser.add_argument(flag, action="store_true")
    elif option.type in ("strs", "floats"):
        parser.add_argument(flag, nargs="+", type=_number if option.type == "floats" else str)
    else:
        parser.add_argument(flag, type=_number if option.type in ("int", "float") else str)


def _number(text: str) -> Any:
    """``"4"`` → 4, ``"1e-4"`` → 0.0001; other text stays text, and is refused with its option's name."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def read_toml(path: Path) -> dict[str, Any]:
    """The TOML file's tables. Raises `UserError` when it is missing or is not TOML."""
    try:
        return from_toml(bounded_text(path))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UserError(f"{path}: not a TOML file: {error}") from None


def _flatten(tables: Mapping[str, Any], path: Path | None, problems: Problems) -> dict[str, Any]:
    """Sections' keys in one table, as sd-scripts reads them; a key in two sections is a problem."""
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        items = value.items() if isinstance(value, dict) else [(name, value)]
        for key, item in items:
            if key in flat:
                problems.add(path, f"'{key}' is set twice.", "Keep one of them.")
            flat[key] = item
    return flat


def _check(name: str, value: Any, where: object, problems: Problems) -> None:
    fault = find_fault(name, value, TRAIN_OPTIONS, REFUSED)
    if fault:
        problems.add(where, *fault)


def check_settings(settings: Settings, problems: Problems) -> None:
    """Options that must be there, and options that fight each other."""
    for name in ("pretrained_model_name_or_path", "dataset_config", "output_dir", "output_name"):
        if not settings.values[name]:
            problems.add("settings", f"'{name}' is missing.")
    for fault in filter(None, (quarrel(settings) for quarrel in _QUARRELS)):
        problems.add("settings", fault)


def _warmup_fault(settings: Settings) -> str:
    warmup = settings.lr_warmup_steps
    if warmup and settings.lr_scheduler == "constant":
        return "'lr_warmup_steps' has no meaning with lr_scheduler 'constant': use 'constant_with_warmup'."
    if isinstance(warmup, float) and warmup > 1:
        return f"'lr_warmup_steps' is a share of all steps when it has a decimal point: {warmup} is over 1."
    return ""


def _network_fault(settings: Settings) -> str:
    if settings.network_train_unet_only and settings.network_train_text_encoder_only:
        return "'network_train_unet_only' and 'network_train_text_encoder_only' exclude each other."
    if settings.dim_from_weights and not settings.network_weights:
        return "'dim_from_weights' needs 'network_weights'."
    return ""


def _text_fault(settings: Settings) -> str:
    if settings.cache_text_encoder_outputs and not settings.network_train_unet_only:
        return "'cache_text_encoder_outputs' needs 'network_train_unet_only'."
    if isinstance(settings.text_encoder_lr, list) and len(settings.text_encoder_lr) != 1:
        return "'text_encoder_lr' takes one number: networks.lora has one rate for all text encoders."
    return ""


def _loss_fault(settings: Settings) -> str:
    if settings.masked_loss_normalize and not settings.masked_loss:
        return "'masked_loss_normalize' needs 'masked_loss'."
    if settings.full_mask_share + settings.random_mask_share > 1:
        return "'full_mask_share' and 'random_mask_share' are together over 1."
    low, high = settings.min_timestep, settings.max_timestep
    if low is not None and low >= (1000 if high is None else high):
        return f"'min_timestep' ({low}) must be under 'max_timestep'."
    return ""


def _cache_fault(settings: Settings) -> str:
    if settings.cache_latents_to_disk and not settings.cache_latents:
        return "'cache_latents_to_disk' needs 'cache_latents'."
    if settings.cache_text_encoder_outputs_to_disk and not settings.cache_text_encoder_outputs:
        return "'cache_text_encoder_outputs_to_disk' needs 'cache_text_encoder_outputs'."
    return ""


def _sample_fault(settings: Settings) -> str:
    asked = settings.sample_every_n_epochs or settings.sample_every_n_steps or settings.sample_at_first
    return "sample images need 'sample_prompts'." if asked and not settings.sample_prompts else ""


_QUARRELS = (_warmup_fault, _network_fault, _text_fault, _loss_fault, _cache_fault, _sample_fault)
