"""Readers of files, on files that are almost right: an answer, or one sentence.

``LORAWRAP_FUZZ=5000`` tries so many a reader, at random.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from PIL import PngImagePlugin
from safetensors.numpy import save

from dataset_tools.captioning.captions import caption_from_file
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.pictures.images import read_mask, read_rgb
from dataset_tools.pictures.inspected import decode_to_inspect
from tests.dataset_tools.rows import values
from tests.fuzz.mutated import mutated, tries
from tests.fuzz.reading import Reader, encoded, told
from wrapper.diffusion.pictures.photograph import read_photograph
from wrapper.diffusion.prompts.presets import list_presets
from wrapper.diffusion.prompts.prompt_file import read_prompts
from wrapper.diffusion.txt2img.recall import recall
from wrapper.kohya.check import check
from wrapper.kohya.imports.project import Said, plan
from wrapper.lora.file import read_lora
from wrapper.places import shipped
from wrapper.project.layout import ProjectPaths
from wrapper.project.load import load_project
from wrapper.runs.events import read_events
from wrapper.runs.listing import list_runs


def with_parameters() -> bytes:
    fields = "Steps: 20, Sampler: Euler a, CFG scale: 5, Seed: 3, Size: 64x64"
    text = f"a (portrait:1.2) <lora:face:0.8>\nNegative prompt: wax\n{fields}"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    return encoded("PNG", pnginfo=chunks)


ROW = values(image="a.png", ear_side="left", ear_box=[1, 2, 30, 40], caption="a portrait")
PLAIN = {key: value for key, value in ROW.items() if key != "ear_box"}
JSON = json.dumps([ROW, {**ROW, "image": "b.png"}]).encode()
CSV = (",".join(PLAIN) + "\n" + ",".join(map(str, PLAIN.values())) + "\n").encode()
TRAIN = b"""[model]
pretrained_model_name_or_path = "base"
[training]
output_name = "x"
network_module = "networks.lora"
network_dim = 8
learning_rate = 1e-4
max_train_steps = 20
resolution = "64,64"
train_data_dir = "."
optimizer_args = ["weight_decay=0.1", "betas=0.9,0.99"]
caption_extension = ".txt"
"""
DATASET = b"""[general]
caption_extension = ".txt"
[[datasets]]
resolution = 64
batch_size = 2
  [[datasets.subsets]]
  image_dir = "."
  num_repeats = 3
  class_tokens = "myface woman"
"""
GUI = b"""{"LoRA_type": "Standard", "pretrained_model_name_or_path": "base", "train_data_dir": ".",
"epoch": 10, "network_dim": 8, "learning_rate": 0.0001, "max_resolution": "512,512", "optimizer": "AdamW",
"optimizer_args": "a=1 b=2"}"""
PROMPTS_TXT = b"a portrait --n wax --w 512 --h 512 --d 3 --s 20 --l 5\n# no prompt\nan ear --g 2\n"
PROMPTS_TOML = b'[prompt]\nwidth = 64\n[[prompt.subset]]\nprompt = "a"\nseed = 3\n'
EVENTS = b'{"step": 1, "steps": 20, "loss": 0.1, "elapsed_s": 3}\n{"step": 2, "steps": 20, "loss": NaN}\n'
RECORD = b"""{"id": "stage_a-001", "status": "succeeded", "stage": "stage_a", "steps": 20,
"started": "2026-01-02T03:04:05+00:00", "ended": "2026-01-02T03:05:05+00:00",
"process": {"pid": 1, "host": "x"},
"segments": [{"output": "output", "done": 3, "counted_from": 0}], "lora": {"path": "x"}, "loss": 0.1}"""
LORA = save(
    {
        "lora_unet_x.lora_down.weight": np.ones((2, 3), np.float32),
        "lora_unet_x.alpha": np.ones((), np.float32),
    },
    {"ss_v2": "False"},
)
PROJECT = (
    shipped("templates") / "project" / "demo.toml"
).read_bytes() + b"\n[stage_a.kohya]\nlearning_rate = 1e-4\n"
PICTURES = tuple(encoded(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"))


def runs_of(path: Path) -> Any:
    return list_runs(ProjectPaths(path.parents[2]))


READERS = {
    "manifest.json": Reader("manifest.json", read_manifest, (JSON,)),
    "manifest.jsonl": Reader(
        "manifest.jsonl", read_manifest, (json.dumps(ROW).encode() + b"\n" + json.dumps(ROW).encode(),)
    ),
    "manifest.csv": Reader("manifest.csv", read_manifest, (CSV, CSV.replace(b",", b"\t"))),
    "lorawrap.toml": Reader("lorawrap.toml", lambda path: load_project(path.parent), (PROJECT,)),
    "prompts.toml": Reader(
        "prompts.toml",
        lambda path: list_presets(path.parent),
        ((shipped("templates") / "prompts.toml").read_bytes()[:3000],),
    ),
    "training TOML": Reader("train.toml", lambda path: check(path, None, "train_network"), (TRAIN,)),
    "training TOML, sd-scripts": Reader(
        "train.toml", lambda path: check(path, None, "train_network", "sd-scripts"), (TRAIN,)
    ),
    "dataset TOML": Reader(
        "data.toml", lambda path: check(path.with_name("good.toml"), path, "train_network"), (DATASET,)
    ),
    "TOML to take over": Reader("train.toml", lambda path: plan(path, Said()), (TRAIN,)),
    "preset to take over": Reader("gui.json", lambda path: plan(path, Said()), (GUI,)),
    "prompts, text": Reader("prompts.txt", read_prompts, (PROMPTS_TXT,)),
    "prompts, TOML": Reader("prompts_.toml", read_prompts, (PROMPTS_TOML,)),
    "prompts, JSON": Reader("prompts.json", read_prompts, (b'[{"prompt": "a", "width": 64, "seed": 3}]',)),
    "caption": Reader(
        "a.txt",
        lambda path: caption_from_file(path.with_suffix(".png")),
        (b"myface woman, an ear\nsecond", "лицо".encode()),
    ),
    "picture to measure": Reader("picture.png", decode_to_inspect, PICTURES),
    "picture to build from": Reader("picture.png", read_rgb, PICTURES),
    "mask": Reader("picture.png", read_mask, PICTURES),
    "photograph": Reader("picture.png", read_photograph, PICTURES),
    "picture with parameters": Reader("made.png", recall, (with_parameters(),)),
    "LoRA": Reader("a.safetensors", read_lora, (LORA,)),
    "events": Reader("events.jsonl", read_events, (EVENTS,)),
    "run record": Reader("runs/stage_a-001/run.json", runs_of, (RECORD,)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("odd 'files' Ж 🙂")
    for name in ("a.png", "b.png"):
        (made / name).write_bytes(encoded("PNG"))
    (made / "good.toml").write_bytes(TRAIN)
    return made


@pytest.mark.parametrize("kind", READERS)
def test_a_reader_answers_or_names_the_fault(kind: str, folder: Path):
    reader = READERS[kind]
    path = folder / kind / reader.name
    path.parent.mkdir(parents=True)
    for name in ("a.png", "b.png", "good.toml"):
        (path.parent / name).write_bytes((folder / name).read_bytes())

    @tries(40)
    @given(mutated(reader.seeds))
    def answered(data: bytes) -> None:
        path.write_bytes(data)
        told(partial(reader.read, path))

    answered()
