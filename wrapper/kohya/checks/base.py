"""The base model and the VAE that a training file names, as sd-scripts v0.10.1 loads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataset_tools.errors import UserError
from wrapper.base_model.detect import detect, read_json
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings
from wrapper.safetensors_header import read_header

BASE = "pretrained_model_name_or_path"
INPAINT, SDXL = "train_network_inpaint", "sdxl_train_network"
Family = Literal["SD 1.5", "SD 2", "SDXL", "SDXL refiner"]
_UNET = "model.diffusion_model."
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_FILE_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_PARTS: dict[Family, dict[str, str]] = {
    "SD 1.5": {"first_stage_model.": "VAE", "cond_stage_model.transformer.": "text encoder"},
    "SD 2": {"first_stage_model.": "VAE"},
    "SDXL": {"first_stage_model.": "VAE", "conditioner.embedders.1.model.": "text encoder"},
    "SDXL refiner": {},
}
_LDM_VAE = re.compile(r"(?:first_stage_model\.)?(?:encoder\.down\.0|decoder\.up\.0)\.")
_SD2_CONTEXT = 1024


@dataclass(frozen=True)
class Base:
    """``channels`` are those that its U-Net takes in."""

    family: Family
    channels: int


def check_base(train: Located, values: Mapping[str, Any], script: str, findings: Findings) -> None:
    """Check the base model for sd-scripts; only headers and small JSON files are read."""
    where, name = train.where_key(BASE), str(values[BASE])
    path = followed(Path(name), script)
    if not path.exists():
        check_absent(where, name, "base model", findings)
        return
    try:
        base = inspect_base(path, findings, where)
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return
    if base and (fault := _fault(base, script, bool(values.get("v2")))):
        findings.error(where, f"{name} {fault[0]}", fault[1])
    elif base and script == INPAINT and base.channels != 9:
        text = f"{name} is no inpainting base: its first layer is widened with zeros."
        findings.warn(where, text, "An inpainting base learns faster.")


def followed(path: Path, script: str) -> Path:
    """Where sd-scripts looks when ``path`` is a link. For SDXL it does not follow a relative one rightly."""
    if not path.is_symlink():
        return path
    return path.readlink() if script == SDXL else path.resolve()


def check_absent(where: str, name: str, what: str, findings: Findings) -> None:
    """What is not here is fetched if it is called as on the hub."""
    if _HUB_NAME.fullmatch(name) and not name.lower().endswith(_FILE_SUFFIXES):
        findings.warn(where, f"{name} is not here: sd-scripts will ask Hugging Face for it.")
    else:
        findings.error(where, f"there is no {what} {name}.")


def inspect_base(path: Path, findings: Findings, where: str) -> Base | None:
    """Recognise a base; None for a pickle, which is not opened. Raises `UserError` for what cannot be one."""
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".safetensors":
        return _single_file(path)
    if _is_safetensors(path):
        raise UserError(f"{path}: is a .safetensors file by another name, which sd-scripts cannot load.")
    findings.warn(where, f"{path} is not looked into: a pickled checkpoint can run code when it is opened.")
    return None


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(9)[8:] == b"{"


def _folder(path: Path) -> Base:
    unet = read_json(path / "unet" / "config.json") or {}
    if unet.get("cross_attention_dim") == _SD2_CONTEXT:
        return Base("SD 2", int(unet.get("in_channels", 4)))
    found = detect(path)
    return Base("SDXL" if found.kind == "sdxl" else "SD 1.5", found.in_channels)


def _single_file(path: Path) -> Base:
    tensors = read_header(path).tensors
    first = tensors.get(f"{_UNET}input_blocks.0.0.weight")
    if first is None:
        detect(path)  # says what it is instead
        raise UserError(f"{path}: is no base model.")
    family = _family(tensors)
    for prefix, part in _PARTS[family].items():
        if not any(name.startswith(prefix) for name in tensors):
            raise UserError(f"{path}: has no {part} in it ({prefix}…).", "Give a full checkpoint.")
    return Base(family, first.shape[1])


def _family(tensors: Mapping[str, Any]) -> Family:
    def has(prefix: str) -> bool:
        return any(name.startswith(prefix) for name in tensors)

    if has("conditioner.embedders.0.model."):
        return "SDXL refiner"
    if has(f"{_UNET}label_emb."):
        return "SDXL"
    return "SD 2" if has("cond_stage_model.model.") else "SD 1.5"


def _fault(base: Base, script: str, v2: bool) -> tuple[str, str] | None:
    """What is wrong and what to do; None where the script trains it."""
    if script != INPAINT and base.channels != 4:
        return "is an inpainting base.", "Train it with train_network_inpaint.py."
    if base.family == "SD 2" and script == "train_network":
        return None if v2 else ("is an SD 2 base.", "Set v2 = true.")
    wanted = {SDXL: ("SDXL",), INPAINT: ("SDXL", "SD 1.5")}.get(script, ("SD 1.5",))
    if base.family not in wanted:
        return f"is an {base.family} base, which {script}.py does not train.", ""
    if v2:
        return f"is an {base.family} base, but v2 = true.", "Leave v2 out."
    return None


def check_vae(train: Located, values: Mapping[str, Any], findings: Findings) -> None:
    """``vae`` may be a file in LDM's spelling, a diffusers folder, or a hub's name."""
    where, path = train.where_key("vae"), Path(str(values["vae"]))
    if not path.exists():
        check_absent(where, str(values["vae"]), "VAE", findings)
    elif path.is_dir():
        if not any((path / place).is_file() for place in ("config.json", "vae/config.json")):
            findings.error(where, f"'vae': {path} is no diffusers folder, it has no config.json.")
    elif path.suffix.lower() == ".safetensors":
        _check_vae_file(where, path, findings)


def _check_vae_file(where: str, path: Path, findings: Findings) -> None:
    try:
        tensors = read_header(path).tensors
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return
    if not any(_LDM_VAE.match(name) for name in tensors):
        diffusers = any(name.startswith("encoder.down_blocks.") for name in tensors)
        hint = "It is in diffusers' spelling: give its folder, with config.json." if diffusers else ""
        findings.error(where, f"'vae': {path} has no VAE that sd-scripts can load.", hint)
