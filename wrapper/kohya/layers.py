"""Preset → project → command line: one value for each Kohya key, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problems, did_you_mean
from wrapper.kohya.options import dataset_names, known_options
from wrapper.project.layout import PROJECT_FILE

OWNED = {
    "pretrained_model_name_or_path": "[base] names the base model",
    "output_dir": "every run has its own folder in the project",
    "output_name": "it is made of [project] name and the stage",
    "config_file": "this is the file",
    "output_config": "sd-scripts would write its settings and train nothing",
    "dataset_config": "it is rendered beside this file",
    "dataset_class": "the dataset is the rendered one",
    "resume": "use `lorawrap train all --resume`",
    "train_data_dir": "`lorawrap build` makes the folders",
    "reg_data_dir": "[regularisation] says which images",
    "in_json": "captions are files",
    "metadata_file": "captions are files",
    "caption_extension": "`lorawrap build` writes captions as .txt",
    "caption_extention": "`lorawrap build` writes captions as .txt",
    "image_dir": "`lorawrap build` makes the folders",
    "conditioning_data_dir": "[masks] says which masks",
    "alpha_mask": "[masks] says which masks",
    "is_reg": "[regularisation] says which images",
    "num_repeats": "[balance] decides how often an image is repeated",
    "dataset_repeats": "[balance] decides how often an image is repeated",
    "class_tokens": "[captions] has the trigger word and the class",
}
"""Keys that the project decides, and where it does."""
PATHS = {
    "vae",
    "network_weights",
    "base_weights",
    "sample_prompts",
    "tokenizer_cache_dir",
    "logging_dir",
    "log_tracker_config",
    "console_log_file",
}
"""Keys whose values are paths: relative to the project's folder."""
_REPLACES = {
    "batch_size": "train_batch_size",
    "max_train_epochs": "max_train_steps",
    "use_8bit_adam": "optimizer_type",
    "use_lion_optimizer": "optimizer_type",
    "xformers": "sdpa",
    "mem_eff_attn": "sdpa",
    "lr_scheduler": "lr_warmup_steps",
}


SECRETS = {"wandb_api_key": "WANDB_API_KEY", "huggingface_token": "HF_TOKEN"}
"""Kohya options that are secrets, and the variable that their library reads one from."""


@dataclass(frozen=True)
class Value:
    value: Any
    origin: str


class Layers:
    """The values of one stage; what is added later lies over what was added before."""

    def __init__(self, stage: str, script: str) -> None:
        self.stage = stage
        self.options = known_options(script)
        self.values: dict[str, Value] = {}

    def get(self, key: str) -> Any:
        return self.values[key].value if key in self.values else None

    def add(self, values: Mapping[str, Any], origin: str) -> None:
        """Lay ``values`` over what is there; None takes a key out."""
        for key, value in values.items():
            self.values.pop(key, None)
            if value is not None:
                self.values[key] = Value(value, origin)

    def add_user(self, values: Mapping[str, Any], set_in: Mapping[str, str], root: Path) -> None:
        """Lay over what a user set in ``[<stage>.kohya]``; an empty string takes a key out.

        Raises one `UserError` for all the keys that are unknown or decided elsewhere.
        """
        self._refuse(values, set_in)
        for key, value in values.items():
            if key in _REPLACES and _replaces(key, value) and _REPLACES[key] not in values:
                self.values.pop(_REPLACES[key], None)
            kept = None if value == "" else _absolute(value, root) if key in PATHS else value
            self.add({key: kept}, self._origin(key, set_in))

    @property
    def train(self) -> dict[str, Value]:
        """What goes into the file for ``--config_file``."""
        outside = dataset_names("general")
        return {key: value for key, value in self.values.items() if key not in outside}

    def dataset_tables(self) -> tuple[dict[str, Value], dict[str, Value]]:
        """What goes into ``[general]`` and into ``[[datasets]]`` of the file for ``--dataset_config``.

        In ``[general]`` stands what is legal in a subset too; what a whole dataset has in common is not.
        """
        values = {key: value for key, value in self.values.items() if key in dataset_names("general")}
        outer = {key: value for key, value in values.items() if key in dataset_names("subsets")}
        return outer, {key: value for key, value in values.items() if key not in outer}

    def _refuse(self, values: Mapping[str, Any], set_in: Mapping[str, str]) -> None:
        known = {*self.options, *dataset_names("general")}
        problems = Problems()
        for key in values:
            where = f"{self._origin(key, set_in)} [{self.stage}.kohya]"
            if key in SECRETS:
                hint = f"Take it out, and set {SECRETS[key]} in the environment."
                problems.add(where, f"'{key}' is a secret, which belongs into no file.", hint)
            elif key in OWNED:
                problems.add(where, f"'{key}' is not set here: {OWNED[key]}.")
            elif key not in known:
                problems.add(where, f"'{key}' is not a Kohya option.", did_you_mean(key, known))
        problems.raise_if_any()

    def _origin(self, key: str, set_in: Mapping[str, str]) -> str:
        return set_in.get(f"{self.stage}.kohya.{key}", PROJECT_FILE)


def _replaces(key: str, value: Any) -> bool:
    """Whether a user's value makes the preset's counterpart void; only 'constant' has no warm-up."""
    return value == "constant" if key == "lr_scheduler" else bool(value)


def _absolute(value: Any, root: Path) -> Any:
    if isinstance(value, list):
        return [_absolute(item, root) for item in value]
    return (root / Path(value).expanduser()).resolve().as_posix() if isinstance(value, str) else value
