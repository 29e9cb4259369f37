"""The models that a training file names: there, and of the kind that the script trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.kohya.check_options import Engine
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings

BASE = "pretrained_model_name_or_path"


def check_models(
    train: Located,
    values: Mapping[str, Any],
    script: str,
    engine: Engine,
    findings: Findings,
    *,
    base: bool = True,
) -> None:
    """Check base model, starting weights and prompts; only headers and small JSON files are read.

    ``base=False`` leaves out the base model.
    """
    if base and values.get(BASE):
        _check_base(train, str(values[BASE]), script, engine, findings)
    if values.get("network_weights"):
        _check_weights(train, values, findings)
    for key in ("vae", "sample_prompts", "resume", "log_tracker_config"):
        if values.get(key) and not Path(str(values[key])).exists():
            findings.error(_where(train, key), f"'{key}': there is no {values[key]}.")


def _check_base(train: Located, name: str, script: str, engine: Engine, findings: Findings) -> None:
    from wrapper.base_model.detect import detect

    where, path = _where(train, BASE), Path(name)
    if not path.exists() and engine == "sd-scripts" and not path.is_absolute():
        findings.warn(where, f"{name} is not here: sd-scripts will ask Hugging Face for it.")
        return
    if not path.exists():
        findings.error(where, f"there is no base model {name}.")
        return
    try:
        base = detect(path)
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return
    if script == "train_network_inpaint":
        if not base.inpaint:
            text = f"{name} is no inpainting base: its U-Net takes {base.in_channels} channels, not 9."
            findings.error(where, text)
        return
    if base.inpaint:
        findings.error(where, f"{name} is an inpainting base.", "Train it with train_network_inpaint.py.")
    wanted = "sdxl" if script == "sdxl_train_network" else "sd15"
    if base.kind != wanted:
        findings.error(where, f"{name} is an {base.kind.upper()} base, which {script}.py does not train.")


def _check_weights(train: Located, values: Mapping[str, Any], findings: Findings) -> None:
    """The LoRA to start from must be there and have the rank that is asked for."""
    from wrapper.safetensors_header import read_header

    where, path = _where(train, "network_weights"), Path(str(values["network_weights"]))
    if not path.is_file():
        text = f"'network_weights': there is no {path}."
        findings.error(where, text, "Train the stage that makes it first.")
        return
    try:
        header = read_header(path)
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return
    dim, rank = values.get("network_dim"), header.metadata.get("ss_network_dim", "")
    if rank.isdecimal() and dim is not None and int(rank) != dim and not values.get("dim_from_weights"):
        text = f"{path.name} has rank {rank}, but network_dim is {dim}."
        findings.error(_where(train, "network_dim"), text, "Use the same network_dim.")


def _where(train: Located, key: str) -> str:
    places = [place for place in train.lines if place[1] == key]
    return train.where(*places[0]) if places else train.where()
