"""One value of a training file against its option, as sd-scripts' code takes it.

sd-scripts checks no type and no choice of a file's values. A value of another type that trains all the same
as it reads (``"true"`` for a flag, ``2.0`` where only a remainder is taken) is worth a warning, no error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from wrapper.kohya.options import AS_TEXT, general_fault
from wrapper.trainer.option import TYPES, Option, parse_size

Values = Mapping[str, Any]
_YES = ("true", "yes", "on", "1")


class Fault(NamedTuple):
    """``text`` follows the option's name; ``fails`` is False where sd-scripts does what is meant."""

    text: str
    fails: bool = True


def value_fault(option: Option, value: Any, values: Values) -> Fault | None:
    """What is wrong with ``value``; ``values`` are all of the file, for options that others switch off."""
    idle = _is_idle(option.name, values)
    if found := _type_fault(option, value):
        return Fault(found.text, found.fails and not idle)
    text = _choice_fault(option, value) or _number_fault(option, value)
    return Fault(text, not idle) if text else None


def _type_fault(option: Option, value: Any) -> Fault | None:
    if option.name not in AS_TEXT and (text := general_fault(option.name, value)):
        return Fault(text)
    title, test = TYPES[option.type]
    if value == "" and option.name in NOT_EMPTY:
        return Fault("must not be empty")
    if test(value):
        return None
    text = f"must be {title}, not {value!r}"
    return Fault(text, not _is_taken(option, value))


def _is_taken(option: Option, value: Any) -> bool:
    """Whether sd-scripts does with ``value`` what a value of the right type would have it do."""
    if option.type == "bool":
        return value in (0, 1, "") or str(value).lower() in _YES
    if option.type == "int":
        return isinstance(value, float) and (
            option.name in FRACTIONS or (option.name in WHOLE_NUMBERS and value.is_integer())
        )
    if option.type == "float":
        return value == math.inf and option.name in ENDLESS
    return value == "" and option.type == "strs"


def _choice_fault(option: Option, value: Any) -> str:
    if option.name == "resolution":
        return "" if parse_size(value) else f"must be like '512' or '512,768', not {value!r}"
    if option.name == "face_crop_aug_range":
        return "" if _is_range(value) else f"must be like '2.0,4.0', not {value!r}"
    choices = (*option.choices, *MORE_CHOICES.get(option.name, ()))
    if not option.choices or value in choices:
        return ""
    return f"must be one of {', '.join(map(repr, choices))}, not {value!r}"


def _is_range(text: str) -> bool:
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        return False
    return low <= high


def _number_fault(option: Option, value: Any) -> str:
    return number_fault(value, option.minimum, option.maximum)


def number_fault(value: Any, low: float | None, high: float | None) -> str:
    """What is wrong with a number, or with one of a list; nothing with anything else."""
    numbers = [item for item in (value if isinstance(value, list) else [value]) if type(item) in (int, float)]
    if any(math.isnan(number) for number in numbers):
        return "must be a number, not nan"
    if low is not None and any(number < low for number in numbers):
        return f"must be {low:g} or more, not {value!r}"
    if high is not None and any(number > high for number in numbers):
        return f"must be {high:g} or less, not {value!r}"
    return ""


def _is_idle(name: str, values: Values) -> bool:
    """Whether nothing reads the option, because of what the file says elsewhere."""
    if name in ONLY_WITH:
        other, wanted = ONLY_WITH[name]
        return values.get(other) not in wanted
    needed = NEEDS.get(name)
    return needed is not None and not any(values.get(key) for key in needed)


NEEDS: dict[str, tuple[str, ...]] = {
    "dynamo_backend": ("torch_compile",),
    "sample_sampler": ("sample_at_first", "sample_every_n_steps", "sample_every_n_epochs"),
    **dict.fromkeys(
        (
            "zero_stage",
            "offload_optimizer_device",
            "offload_optimizer_nvme_path",
            "offload_param_device",
            "offload_param_nvme_path",
        ),
        ("deepspeed",),
    ),
}
"""Options that are read only beside one of others."""
ONLY_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "huber_schedule": ("loss_type", ("huber", "smooth_l1")),
    "lr_scheduler_power": ("lr_scheduler", ("polynomial",)),
    "lr_scheduler_timescale": ("lr_scheduler", ("inverse_sqrt",)),
}
"""Options that are read only beside some values of another."""
MORE_CHOICES: dict[str, tuple[Any, ...]] = {
    "max_token_length": (75,),
    "resize_interpolation": ("box",),
    "sample_sampler": ("ddpm",),
}
"""Values that sd-scripts' code takes although its parser does not list them."""
NOT_EMPTY = (*("network_weights", "vae", "log_tracker_config", "output_name", "in_json", "dataset_class"),)
"""Texts that sd-scripts takes for given although they are empty, and fails with."""
WHOLE_NUMBERS: tuple[str, ...] = (
    *("ddp_timeout", "sample_every_n_epochs", "sample_every_n_steps"),
    *("save_every_n_epochs", "save_every_n_steps", "validate_every_n_epochs", "validate_every_n_steps"),
)
FRACTIONS: tuple[str, ...] = ("lr_scheduler_num_cycles", "lr_scheduler_timescale")
ENDLESS: tuple[str, ...] = ("max_grad_norm",)
