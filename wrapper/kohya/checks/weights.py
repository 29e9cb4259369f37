"""LoRAs to start from or to merge: sd-scripts v0.10.1 loads what fits by name, and is silent on the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from dataset_tools.wording import some
from wrapper.base_model.kinds import Kind
from wrapper.kohya.checks.start_ranks import check_ranks
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings
from wrapper.lora.forms import has_known_form
from wrapper.safetensors_header import Header, read_header

OWN_MODULE = "networks.lora"
_PARTS = ("lora_down.weight", "lora_up.weight", "alpha")


def check_network_weights(train: Located, values: Mapping[str, Any], kind: Kind, findings: Findings) -> None:
    """The LoRA to start from: there, whole, of the base's kind, and of the rank and alpha asked for."""
    path = Path(str(values["network_weights"]))
    header = _header(train, "network_weights", path, findings)
    if header is None or str(values.get("network_module")) != OWN_MODULE:
        return
    _check_names(train, "network_weights", path, header, kind, findings)
    if not values.get("dim_from_weights"):
        check_ranks(train, values, path, header, findings)
    _check_left_out(train, values, path, header, findings)


def check_base_weights(train: Located, values: Mapping[str, Any], kind: Kind, findings: Findings) -> None:
    """The LoRAs to merge into the base."""
    named = values["base_weights"]
    for name in named if isinstance(named, list) else [named]:
        path = Path(str(name))
        header = _header(train, "base_weights", path, findings)
        if header is not None and str(values.get("network_module")) == OWN_MODULE:
            _check_names(train, "base_weights", path, header, kind, findings)


def _header(train: Located, key: str, path: Path, findings: Findings) -> Header | None:
    where = train.where_key(key)
    if not path.is_file():
        findings.error(where, f"'{key}': there is no {path}.", "Train the stage that makes it first.")
        return None
    if path.suffix != ".safetensors":
        findings.warn(where, f"'{key}': {path} is not looked into, as it is no .safetensors file.")
        return None
    try:
        return read_header(path)
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return None


def _check_names(
    train: Located, key: str, path: Path, header: Header, kind: Kind, findings: Findings
) -> None:
    """Names that the network does not have are passed over in silence."""
    unknown = [name for name in header.tensors if not _is_known(name, kind)]
    if not unknown:
        return
    where, count = train.where_key(key), len(header.tensors)
    if len(unknown) == count:
        text = f"'{key}': nothing of {path.name} is loaded, its names are none of an {kind.upper()} LoRA"
        findings.error(
            where, f"{text}: {some(unknown)}.", "Is it a LoRA of another base, or of another program?"
        )
    else:
        text = f"'{key}': {len(unknown)} of {count} tensors of {path.name} are not loaded: {some(unknown)}."
        findings.error(where, text)


def _is_known(name: str, kind: Kind) -> bool:
    module, _, part = name.partition(".")
    return part in _PARTS and has_known_form(module, kind)


def _check_left_out(
    train: Located, values: Mapping[str, Any], path: Path, header: Header, findings: Findings
) -> None:
    """Training one part alone begins without the other part of the LoRA."""
    where = train.where_key("network_weights")
    for key, prefix, part in (
        ("network_train_unet_only", "lora_te", "text encoder"),
        ("network_train_text_encoder_only", "lora_unet", "U-Net"),
    ):
        if values.get(key) and any(name.startswith(prefix) for name in header.tensors):
            text = f"with {key} the {part} part of {path.name} is left out, and is not in the new LoRA."
            findings.warn(where, text, "Merge it with base_weights if it is wanted.")
