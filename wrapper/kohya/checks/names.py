"""Options whose values are names and ``key=value`` lists: optimizer, scheduler, network module."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from dataset_tools.errors import did_you_mean
from wrapper.kohya.known_names import (
    BLOCK_LISTS,
    BLOCK_WEIGHTS,
    BLOCKS,
    CURVES,
    MIDDLE,
    NETWORK_NUMBERS,
    NETWORKS,
    OPTIMIZERS,
    OTHER_NETWORKS,
    SCHEDULERS,
    TORCH_OPTIMIZERS,
    TORCH_SCHEDULERS,
)
from wrapper.kohya.located import Located, Where
from wrapper.kohya.report import Findings

Values = Mapping[str, Any]


def check_names(train: Located, values: Values, script: str, findings: Findings) -> None:
    """Check ``optimizer_type``, ``lr_scheduler``, ``network_module`` and the arguments of each."""
    _check_optimizer(train, values, findings)
    _check_scheduler(train, values, findings)
    _check_network(train, values, findings)
    _check_blocks(train, values, script, findings)


def optimizer_name(values: Values) -> str:
    """In lower case, as sd-scripts compares it; AdamW where nothing is said."""
    if values.get("use_8bit_adam"):
        return "adamw8bit"
    if values.get("use_lion_optimizer"):
        return "lion"
    return str(values.get("optimizer_type") or "AdamW").lower()


def arguments(values: Values, key: str) -> dict[str, Any]:
    """``["a=1", "b=(1, 2)"]`` as a dictionary; what is no Python literal stays text."""
    items = values.get(key)
    found: dict[str, Any] = {}
    for item in items if isinstance(items, list) else []:
        name, _, text = str(item).partition("=")
        found[name] = _literal(text)
    return found


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError):
        return text


def _check_optimizer(train: Located, values: Values, findings: Findings) -> None:
    named = values.get("optimizer_type")
    if named is not None and not isinstance(named, str):
        return
    name = optimizer_name(values)
    where = train.where_key("optimizer_type")
    if name not in OPTIMIZERS and "." not in name and named not in TORCH_OPTIMIZERS:
        known = [*TORCH_OPTIMIZERS, *OPTIMIZERS, "AdamW8bit", "PagedAdamW8bit", "Lion8bit", "Prodigy"]
        findings.error(where, f"there is no optimizer '{named}'.", did_you_mean(str(named), known))
    elif name.startswith("dadapt") or (name not in OPTIMIZERS and "." in name):
        package = "dadaptation" if name.startswith("dadapt") else str(named).partition(".")[0]
        findings.warn(where, f"'{named}' needs the package {package} in sd-scripts' environment.")
    _check_literals(train, values, "optimizer_args", OPTIMIZERS.get(name), findings)


def _check_scheduler(train: Located, values: Values, findings: Findings) -> None:
    if optimizer_name(values).endswith("schedulefree"):
        return
    custom, name = values.get("lr_scheduler_type"), values.get("lr_scheduler", "constant")
    if custom:
        _check_torch_scheduler(train, values, str(custom), findings)
        return
    base = str(name).partition(":")[0]
    if base not in SCHEDULERS:
        text = f"there is no scheduler '{name}'."
        findings.error(train.where_key("lr_scheduler"), text, did_you_mean(str(name), SCHEDULERS))
    _check_literals(train, values, "lr_scheduler_args", SCHEDULERS.get(base), findings)


def _check_torch_scheduler(train: Located, values: Values, name: str, findings: Findings) -> None:
    where, accepted = train.where_key("lr_scheduler_type"), TORCH_SCHEDULERS.get(name)
    if accepted is None and "." not in name:
        text = f"there is no scheduler '{name}' in torch.optim.lr_scheduler."
        findings.error(where, text, did_you_mean(name, TORCH_SCHEDULERS))
    needed, optional = accepted or ((), ())
    given = arguments(values, "lr_scheduler_args")
    if lacking := [argument for argument in needed if argument not in given]:
        text = f"'lr_scheduler_type' = '{name}' needs {' and '.join(lacking)} in 'lr_scheduler_args'."
        findings.error(where, text)
    known = (*needed, *optional, "last_epoch") if accepted else None
    _check_literals(train, values, "lr_scheduler_args", known, findings)


def _check_network(train: Located, values: Values, findings: Findings) -> None:
    module = values.get("network_module")
    if not isinstance(module, str) or not module:
        return
    where = train.where_key("network_module")
    if module in OTHER_NETWORKS:
        findings.error(where, f"'{module}' is for models of another family.", "Use networks.lora.")
    elif module not in NETWORKS and (_is_typo(module) or module.partition(".")[0] in ("networks", module)):
        text = f"sd-scripts has no network module '{module}'."
        findings.error(where, text, did_you_mean(module, NETWORKS))
    elif module not in NETWORKS:
        package = module.partition(".")[0]
        findings.warn(where, f"'{module}' needs the package {package} in sd-scripts' environment.")
    for item in _items(values, "network_args"):
        _check_network_argument(train, item, module, findings)
    _check_repeated(train, values, "network_args", findings)


def _check_blocks(train: Located, values: Values, script: str, findings: Findings) -> None:
    """Lists of a number for each block, and DyLoRA's unit."""
    where, given = train.where_key("network_args"), _texts(values)
    count = BLOCKS.get(script)
    for name in BLOCK_LISTS if count else ():
        if name in given and len(given[name].split(",")) != count:
            findings.error(where, f"'network_args': {name} must have {count} numbers.")
    for name, size in BLOCK_WEIGHTS.get(script, {}).items():
        if name in given:
            _check_weights(where, name, given[name], size, findings)
    unit, dim = given.get("unit", "1"), values.get("network_dim", 4)
    if unit.isdecimal() and isinstance(dim, int) and int(unit) and dim % int(unit):
        findings.error(where, f"'network_args': unit {unit} must divide network_dim {dim}.")


def _check_weights(where: Where, name: str, text: str, count: int, findings: Findings) -> None:
    """A rate for each block, or the name of a curve, with a number to add."""
    curve, _, base = text.partition("+")
    if name != MIDDLE and curve in CURVES and _converts(base or "0", float):
        return
    listed = text.split(",")
    if (name != MIDDLE and len(listed) == 1) or not all(_converts(item or "0", float) for item in listed):
        wanted = "numbers" if name == MIDDLE else f"{count} numbers, or one of {', '.join(CURVES)}"
        findings.error(where, f"'network_args': {name} must be {wanted}, not {text!r}.")
    elif len(listed) > count:
        findings.error(where, f"'network_args': only the first {count} numbers of {name} are used.")
    elif len(listed) < count:
        said = f"'network_args': {name} has {len(listed)} numbers for {count} blocks: the others get 1."
        findings.warn(where, said)


def _texts(values: Values) -> dict[str, str]:
    return {item.partition("=")[0]: item.partition("=")[2] for item in _items(values, "network_args")}


def _is_typo(module: str) -> bool:
    return bool(get_close_matches(module, NETWORKS, n=1, cutoff=0.85))


def _check_network_argument(train: Located, item: str, module: str, findings: Findings) -> None:
    where, known = train.where_key("network_args"), NETWORKS.get(module)
    name, equals, text = item.partition("=")
    if not equals:
        findings.error(where, f"'network_args': {item!r} is no 'name=value'.")
    elif known is not None and name not in known:
        hint = "Set network_dropout." if name == "dropout" else did_you_mean(name, known)
        findings.error(where, f"'network_args': {module} ignores '{name}'.", hint)
    elif known is not None and name in NETWORK_NUMBERS and not _converts(text, NETWORK_NUMBERS[name]):
        findings.error(where, f"'network_args': {name} must be a number, not {text!r}.")


def _converts(text: str, kind: type) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _check_literals(
    train: Located, values: Values, key: str, known: Sequence[str] | None, findings: Findings
) -> None:
    """Every item is split at its one ``=`` and evaluated as a Python literal."""
    where = train.where_key(key)
    _check_repeated(train, values, key, findings)
    for item in _items(values, key):
        name, _, text = item.partition("=")
        if item.count("=") != 1:
            findings.error(where, f"'{key}': {item!r} must have one '='.", "Write name=value.")
        elif isinstance(_literal(text), str) and text[:1] not in "'\"":
            hint = "Write name='text' for text." if text.isidentifier() else ""
            findings.error(where, f"'{key}': {text!r} is no Python value.", hint)
        elif known is not None and name not in known:
            findings.error(where, f"'{key}': there is no argument '{name}'.", did_you_mean(name, known))


def _check_repeated(train: Located, values: Values, key: str, findings: Findings) -> None:
    """Of several values of one name the last counts."""
    names = [item.partition("=")[0] for item in _items(values, key)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.error(train.where_key(key), f"'{key}': {name} is given more than once.", "Keep one of them.")


def _items(values: Values, key: str) -> list[str]:
    """The list's items; a fault of its type is found where types are checked."""
    items = values.get(key)
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
