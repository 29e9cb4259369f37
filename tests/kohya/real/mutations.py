"""Good files, spoiled or changed at random, to compare our check's verdict with sd-scripts' own.

``python -m tests.kohya.real.mutations FOLDER COUNT SEED`` writes the cases and prints their list as JSON; the
oracle answers them, and `test_real_scripts` compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import toml

from tests.kohya.cases.case import write_file
from wrapper.kohya.options import RANGES, dataset_names, upstream_options

LEFT_OUT = (
    *(
        "config_file",
        "output_config",
        "debug_dataset",
        "torch_compile",
        "dynamo_backend",
        "resume",
        "deepspeed",
    ),
    *("resume_from_huggingface", "save_state_to_huggingface", "async_upload", "dataset_class", "xformers"),
    *("mem_eff_attn", "v2", "vae", "network_weights", "base_weights", "dim_from_weights", "log_with"),
    *("pretrained_model_name_or_path", "tokenizer_cache_dir", "console_log_file", "console_log_simple"),
    *("console_log_level", "log_tracker_config", "highvram", "lowram", "wandb_api_key", "wandb_run_name"),
)
"""What needs a GPU, a network or a file, or talks to the terminal."""
VALUES: dict[str, tuple[Any, ...]] = {
    "bool": (True, True, True, False, "true", "false", 1),
    "int": (1, 2, 3, 5, 64, 0, -1, "2", 2.0, 1.5),
    "float": (0.1, 0.5, 1.0, 1, 0, -0.5, "0.5", 5),
    "str": ("a", "", "constant", "cosine", "AdamW", "fp16", "no", 5),
    "strs": ([], ["a=1"], "a=1", ["weight_decay=0.1"]),
    "floats": (1e-3, [1e-3], [1e-3, 1e-4], [], "1e-3"),
}
SIZES = ((64, 64), (128, 64), (64, 96), (100, 80), (60, 60), (200, 130), (129, 257))
Files = dict[str, Any]


class Setting:
    """One case on the way: both files as data, and what lies in the folder."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.train: dict[str, Any] = {
            "pretrained_model_name_or_path": "base.safetensors",
            "output_dir": "out",
            "output_name": "x",
            "network_module": "networks.lora",
            "network_dim": 2,
            "max_train_epochs": 1,
            "cache_latents": random.random() < 0.7,
            "seed": 1,
            "learning_rate": 1e-3,
            "max_data_loader_n_workers": 0,
        }
        self.subset: dict[str, Any] = {"image_dir": "photos", "caption_extension": ".txt"}
        self.subsets = [self.subset]
        self.dataset: dict[str, Any] = {"resolution": 64, "subsets": self.subsets}
        self.general: dict[str, Any] = {}
        self.files: Files = {}
        for number in range(random.randint(1, 4)):
            self.photo(f"photos/p{number}", (64, 64))

    def photo(self, stem: str, size: tuple[int, int]) -> None:
        self.files |= {f"{stem}.png": size, f"{stem}.txt": f"a cat, {stem}"}

    @property
    def data(self) -> dict[str, Any]:
        general = {"general": self.general} if self.general else {}
        return {**general, "datasets": [self.dataset]}


def typo(setting: Setting) -> None:
    table = setting.random.choice([setting.train, setting.dataset, setting.subset, setting.general])
    if table:
        key = setting.random.choice(sorted(table))
        table[key[:-1]] = table.pop(key)


def drop(setting: Setting) -> None:
    table = setting.random.choice([setting.train, setting.dataset, setting.subset])
    table.pop(setting.random.choice(sorted(table)))


def option(setting: Setting) -> None:
    known = upstream_options("train_network")
    key = setting.random.choice(sorted(set(known) - set(LEFT_OUT)))
    choices = [choice for choice in known[key].choices if choice is not None]
    setting.train[key] = setting.random.choice([*choices, *VALUES.get(known[key].type, (1,))])


def range_end(setting: Setting) -> None:
    known = upstream_options("train_network")
    key = setting.random.choice(sorted(set(RANGES) & set(known)))
    low, high = RANGES[key]
    ends = [end + step for end in (low, high) if end is not None for step in (-1, 0, 1)]
    whole = known[key].type == "int"
    value = setting.random.choice(ends)
    setting.train[key] = int(value) if whole else value


def dataset_key(setting: Setting) -> None:
    tables = {"general": setting.general, "datasets": setting.dataset, "subsets": setting.subset}
    table = setting.random.choice(sorted(tables))
    source = setting.random.choice([table, table, "datasets", "subsets"])
    key = setting.random.choice(sorted(dataset_names(source) - {"metadata_file", "conditioning_data_dir"}))
    pool = [True, False, 1, 2, 0.5, 0, "a", [64, 64], [1.0, 2.0], ".txt", "2", 1.0]
    tables[table][key] = setting.random.choice(pool)


def buckets(setting: Setting) -> None:
    random = setting.random
    setting.general |= {"enable_bucket": True, "min_bucket_reso": 64}
    setting.general["max_bucket_reso"] = random.choice([64, 128, 250, 256])
    setting.general["bucket_reso_steps"] = random.choice([64, 64, 64, 128, 32, 8])
    setting.general["bucket_no_upscale"] = random.random() < 0.4
    setting.dataset["resolution"] = random.choice([64, 100, 128, [64, 128], [192, 64]])
    setting.dataset["batch_size"] = random.randint(1, 3)
    for number in range(random.randint(1, 6)):
        setting.photo(f"photos/b{number}", random.choice(SIZES))


def repeats(setting: Setting) -> None:
    setting.subset["num_repeats"] = setting.random.choice([1, 2, 3, 7, 0, -1])
    setting.train["gradient_accumulation_steps"] = setting.random.choice([1, 1, 2, 3])


def regularisation(setting: Setting) -> None:
    setting.subsets.append({"image_dir": "reg", "is_reg": True, "caption_extension": ".txt"})
    for number in range(setting.random.randint(0, 4)):
        setting.photo(f"reg/r{number}", (64, 64))


def second(setting: Setting) -> None:
    setting.subsets.append({"image_dir": setting.random.choice(["more", "photos", "./photos"])})
    setting.photo("more/m0", (64, 64))


def caption(setting: Setting) -> None:
    name = setting.random.choice([name for name in setting.files if name.endswith(".txt")])
    setting.files[name] = setting.random.choice(["", "\n", "one\ntwo", b"\xff\xfe", None, "{a|b} cat", "  "])
    if setting.files[name] is None:
        del setting.files[name]


def split(setting: Setting) -> None:
    setting.dataset["validation_split"] = setting.random.choice([0.25, 0.5, 0.9, 1.0, 0.0])
    if setting.random.random() < 0.5:
        setting.dataset["validation_seed"] = setting.random.randint(0, 9)
    for number in range(setting.random.randint(0, 5)):
        setting.photo(f"photos/v{number}", setting.random.choice(SIZES))


MUTATIONS: tuple[Callable[[Setting], None], ...] = (
    *(typo, drop, option, option, option, range_end, dataset_key, dataset_key, buckets, buckets),
    *(repeats, regularisation, second, caption, split),
)


def make(random: Random, folder: Path) -> list[str]:
    """Write one case with one to three changes; returns the command line of its script."""
    setting = Setting(random)
    for _ in range(random.randint(1, 3)):
        random.choice(MUTATIONS)(setting)
    for name, content in setting.files.items():
        write_file(folder / name, content)
    write_file(folder / "train.toml", toml.dumps(setting.train))
    write_file(folder / "data.toml", toml.dumps(setting.data))
    return ["--config_file", "train.toml", "--dataset_config", "data.toml"]


def write_all(root: Path, count: int, seed: int) -> list[dict[str, Any]]:
    """``count`` cases, the same for the same ``seed``."""
    random = Random(seed)
    return [
        {
            "id": f"mutation {seed}-{number}",
            "folder": str(root / str(number)),
            "argv": make(random, root / str(number)),
            "script": "train_network",
        }
        for number in range(count)
    ]


if __name__ == "__main__":
    print(json.dumps(write_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
