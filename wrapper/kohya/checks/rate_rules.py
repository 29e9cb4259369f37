"""Learning rates, schedules and optimizers that fight (``get_optimizer``, ``get_scheduler_fix``)."""

from __future__ import annotations

from collections.abc import Callable

from wrapper.kohya.checks.fight import Fight, Values
from wrapper.kohya.checks.names import arguments, optimizer_name


def warmup(values: Values) -> Fight | None:
    share = values.get("lr_warmup_steps")
    if not share or not isinstance(share, int | float) or optimizer_name(values).endswith("schedulefree"):
        return None
    if isinstance(share, float) and share > 1:
        return Fight(
            f"'lr_warmup_steps' with a decimal point is a share of all steps: {share} is over 1.",
            not share.is_integer() or share > 1,
        )
    name = str(values.get("lr_scheduler") or "constant")
    if values.get("lr_scheduler_type"):
        return Fight("'lr_warmup_steps' fails with 'lr_scheduler_type': set it to 0.")
    if is_relative(values) or name.startswith("adafactor"):
        return Fight("'lr_warmup_steps' fails with Adafactor's own schedule: set it to 0.")
    if name == "constant" and not _rounds_to_nothing(share, values):
        return Fight("'lr_warmup_steps' fails with lr_scheduler 'constant': use 'constant_with_warmup'.")
    return None


def _rounds_to_nothing(share: float, values: Values) -> bool:
    """A share of so few steps that it is none; sd-scripts then does not object."""
    steps = values.get("max_train_steps", 1600)
    known = isinstance(share, float) and isinstance(steps, int) and not values.get("max_train_epochs")
    return known and int(share * steps) == 0


def is_relative(values: Values) -> bool:
    """Adafactor with a schedule of its own, which is its default."""
    if optimizer_name(values) != "adafactor":
        return False
    given = arguments(values, "optimizer_args")
    return bool(given.get("relative_step", True)) or bool(given.get("warmup_init", False))


def adafactor(values: Values) -> Fight | None:
    if not is_relative(values):
        if optimizer_name(values) != "adafactor" and str(values.get("lr_scheduler")).startswith("adafactor"):
            return Fight("'lr_scheduler' = 'adafactor' needs 'optimizer_type' = 'Adafactor'.")
        return None
    hint = "Adafactor sets the rate itself unless optimizer_args has 'relative_step=False'."
    for key in ("unet_lr", "text_encoder_lr"):
        if values.get(key) is not None:
            return Fight(f"'{key}' is ignored: {hint}")
    scheduler = str(values.get("lr_scheduler") or "adafactor")
    if not scheduler.startswith("adafactor") or values.get("lr_scheduler_type"):
        return Fight(f"'lr_scheduler' is ignored: {hint}")
    return None


def own_schedule(values: Values) -> Fight | None:
    """Optimizers without a schedule ignore that of the file."""
    if not str(values.get("optimizer_type") or "").lower().endswith("schedulefree"):
        return None
    if values.get("lr_scheduler_type") or values.get("lr_scheduler", "constant") != "constant":
        return Fight("'lr_scheduler' is ignored: a schedule-free optimizer has none.")
    if values.get("lr_warmup_steps"):
        return Fight("'lr_warmup_steps' is ignored: write warmup_steps into 'optimizer_args'.")
    return None


def scheduler_arguments(values: Values) -> Fight | None:
    if values.get("lr_scheduler_type") or is_relative(values):
        return None
    name, given = values.get("lr_scheduler"), arguments(values, "lr_scheduler_args")
    if (
        name == "cosine_with_min_lr"
        and values.get("lr_scheduler_min_lr_ratio") is None
        and "min_lr" not in given
    ):
        return Fight("'lr_scheduler' = 'cosine_with_min_lr' needs 'lr_scheduler_min_lr_ratio'.")
    if name == "piecewise_constant" and "step_rules" not in given:
        return Fight("'lr_scheduler' = 'piecewise_constant' needs step_rules in 'lr_scheduler_args'.")
    if name == "adafactor":
        return Fight("'lr_scheduler' = 'adafactor' fails beside relative_step=False in 'optimizer_args'.")
    return None


def rates(values: Values) -> Fight | None:
    """A part whose rate is 0 is left out; with nothing left there is nothing to train."""
    numbers = _trained_rates(values)
    if numbers and all(item == 0 for item in numbers):
        return Fight("'learning_rate' is 0 for all that is trained.")
    return None


def one_rate(values: Values) -> Fight | None:
    """Prodigy and D-Adaptation stop at the first step where two rates are other than 0 and differ."""
    name = optimizer_name(values)
    if len({rate for rate in _trained_rates(values) if rate}) < 2:
        return None
    if name == "prodigy" or name.startswith("dadapt"):
        return Fight(f"'learning_rate' must be the same for U-Net and text encoder with {name}.")
    return None


def text_rates(encoders: int) -> Callable[[Values], Fight | None]:
    """Of a list of rates one for each text encoder is read."""

    def rule(values: Values) -> Fight | None:
        listed = values.get("text_encoder_lr")
        if not isinstance(listed, list) or len(listed) <= encoders:
            return None
        text = f"of 'text_encoder_lr' the first {encoders} of {len(listed)} rates are used."
        return Fight(text, len(set(listed[encoders - 1 :])) > 1)

    return rule


def _trained_rates(values: Values) -> list[float]:
    base = values.get("learning_rate", 2e-6)
    unet = base if values.get("unet_lr") is None else values["unet_lr"]
    text = base if values.get("text_encoder_lr") in (None, []) else values["text_encoder_lr"]
    trained = [
        *([unet] if not values.get("network_train_text_encoder_only") else []),
        *([text] if not values.get("network_train_unet_only") else []),
    ]
    listed = [item for rate in trained for item in (rate if isinstance(rate, list) else [rate])]
    return [item for item in listed if isinstance(item, int | float)]
