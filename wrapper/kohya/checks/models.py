"""The models and other files that a training file names: there, and of the kind that the script trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind
from wrapper.kohya.checks.base import BASE, INPAINT, SDXL, check_base, check_vae
from wrapper.kohya.checks.memory import model_kind
from wrapper.kohya.checks.options import Engine
from wrapper.kohya.checks.weights import check_base_weights, check_network_weights
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings

PROMPT_SUFFIXES = (".txt", ".toml", ".json")
_SAMPLING = ("sample_every_n_steps", "sample_every_n_epochs", "sample_at_first")


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
        if engine == "sd-scripts":
            check_base(train, values, script, findings)
        else:
            _check_embedded_base(train, str(values[BASE]), script, findings)
    kind: Kind = model_kind(values, script)
    if values.get("network_weights"):
        check_network_weights(train, values, kind, findings)
    if values.get("base_weights"):
        check_base_weights(train, values, kind, findings)
    if values.get("vae"):
        check_vae(train, values, findings)
    for key in ("sample_prompts", "resume", "log_tracker_config"):
        if values.get(key) and not _is_here(key, values):
            idle = key == "sample_prompts" and not any(values.get(when) for when in _SAMPLING)
            (findings.warn if idle else findings.error)(
                train.where_key(key), f"'{key}': there is no {values[key]}."
            )
    _check_prompts(train, values, findings)


def _is_here(key: str, values: Mapping[str, Any]) -> bool:
    on_hub = key == "resume" and values.get("resume_from_huggingface")
    return bool(on_hub) or Path(str(values[key])).exists()


def _check_prompts(train: Located, values: Mapping[str, Any], findings: Findings) -> None:
    """sd-scripts fails at the first sample when it does not know the file's suffix."""
    prompts = values.get("sample_prompts")
    if not isinstance(prompts, str) or not any(values.get(key) for key in _SAMPLING):
        return
    if Path(prompts).is_file() and not prompts.endswith(PROMPT_SUFFIXES):
        text = f"'sample_prompts': {prompts} is none of {', '.join(PROMPT_SUFFIXES)}, so sampling fails."
        findings.error(train.where_key("sample_prompts"), text)
    elif Path(prompts).is_file() and not _has_prompts(Path(prompts)):
        findings.error(
            train.where_key("sample_prompts"), f"'sample_prompts': there is no prompt in {prompts}."
        )


def _has_prompts(path: Path) -> bool:
    """Whether a text file has a line that is no comment; the other kinds are not looked into."""
    if path.suffix != ".txt":
        return True
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return any(line.strip() and line[0] != "#" for line in lines)


def _check_embedded_base(train: Located, name: str, script: str, findings: Findings) -> None:
    from wrapper.base_model.detect import detect

    where, path = train.where_key(BASE), Path(name)
    if not path.exists():
        findings.error(where, f"there is no base model {name}.")
        return
    try:
        found = detect(path)
    except UserError as error:
        findings.error(where, error.message, error.hint)
        return
    if script == INPAINT:
        if not found.inpaint:
            text = f"{name} is no inpainting base: its U-Net takes {found.in_channels} channels, not 9."
            findings.error(where, text)
        return
    if found.inpaint:
        findings.error(where, f"{name} is an inpainting base.", "Train it with train_network_inpaint.py.")
    if found.kind != ("sdxl" if script == SDXL else "sd15"):
        findings.error(where, f"{name} is an {found.kind.upper()} base, which {script}.py does not train.")
