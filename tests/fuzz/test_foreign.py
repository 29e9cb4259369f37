"""Files of other programs, and what hides in pictures, almost right: an answer, or one sentence."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from PIL import Image, ImageCms
from safetensors.numpy import save

from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.pictures.images import read_alpha, read_mask, read_rgb
from dataset_tools.pictures.inspected import decode_to_inspect
from tests.fuzz.mutated import mutated, tries
from tests.fuzz.reading import Reader, encoded, told
from wrapper.base_model.detect import detect
from wrapper.diffusion.pictures.photograph import read_photograph
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters
from wrapper.diffusion.txt2img.recall import recall
from wrapper.export.foreign_file import wish_for
from wrapper.export.places.model_paths import FILE, lora_folders
from wrapper.kohya.checks.caches import _shapes
from wrapper.kohya.checks.metadata import read_metadata
from wrapper.kohya.imports.foreign import read_tables
from wrapper.lora_tools.facts.info import look_at
from wrapper.lora_tools.facts.info_rows import as_data
from wrapper.sweep.planning.grids import parse_axis
from wrapper.sweep.planning.lists import read_rows
from wrapper.trainer.state import read_progress

PARAMETERS = (
    b"a (portrait:1.2) <lora:face:0.8>\nNegative prompt: wax\nSteps: 20, Sampler: Euler a, CFG scale: 5, "
    b'Seed: 3, Size: 64x64, Lora hashes: "face: 1234abcd", Version: v1.10.1, Denoising strength: 0.5',
    b"<hypernet:x:1>\nSteps: 1, Sampler: DPM++ 2M Karras, Schedule type: Karras, Seed: 1, Size: 8x8, "
    b'Template: "a\\nb", Hires upscale: 2, Clip skip: 2',
)


def with_chunk(kind: bytes, text: bytes) -> bytes:
    """A PNG with one chunk more, its check sum right: what it holds is read."""
    whole = encoded("PNG")
    body = kind + text
    chunk = struct.pack(">I", len(text)) + body + struct.pack(">I", zlib.crc32(body))
    header = whole.index(b"IHDR") + len("IHDR") + 13 + 4
    return whole[:header] + chunk + whole[header:]


def with_exif(comment: bytes, orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x9286] = comment
    return encoded("JPEG", exif=exif.tobytes())


def exif_of(data: bytes) -> bytes:
    """A JPEG whose EXIF block is ``data``, right or not."""
    return encoded("JPEG", exif=b"Exif\0\0" + data[:60_000])


def lora(kind: str = "kohya") -> bytes:
    names = {
        "kohya": ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "….lora_up.weight"),
        "peft": ("base_model.model.down_blocks.0.attentions.0.proj_in.lora_A.weight", "….lora_B.weight"),
        "diffusers": ("unet.down_blocks.0.attentions.0.proj_in.lora_A.weight", "….lora_B.weight"),
    }[kind]
    down, up = names[0], names[1].replace("…", names[0].rpartition(".lora_")[0])
    tensors = {down: np.ones((2, 320, 1, 1), np.float16), up: np.ones((320, 2, 1, 1), np.float16)}
    tags = json.dumps({"10_myface woman": {"myface": 7, "1girl": 3}})
    notes = {
        "ss_tag_frequency": tags,
        "ss_network_dim": "2",
        "modelspec.title": "x",
        "ss_output_name": "../x",
    }
    return save(tensors, notes)


def npz(**arrays: Any) -> bytes:
    stream = BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def shown(path: Path) -> str:
    """All that `lorawrap lora info --json` tells."""
    return json.dumps(as_data(look_at(path), []), allow_nan=False)


MODES = {"1": "PNG", "L": "PNG", "LA": "PNG", "P": "GIF", "RGBA": "WEBP", "I;16": "PNG", "CMYK": "JPEG"}
ODD_MODES = tuple(encoded(kind, mode) for mode, kind in MODES.items() if mode != "I;16")
DEEP = (encoded("TIFF", "F"), encoded("TIFF", "I"), encoded("TIFF", "CMYK"), encoded("PPM", "L"))
SECTIONS = b"""comfyui:
    base_path: ~/ComfyUI
    is_default: true
    loras: |
        models/loras
        ../shared
a: &x {loras: more}
b: *x
"""
MODEL = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "in_channels": 4,
    "cross_attention_dim": 768,
}
PICTURE_READERS = (read_rgb, read_mask, read_alpha, decode_to_inspect, read_photograph)


def every_picture_reader(path: Path) -> None:
    for read in PICTURE_READERS:
        told(partial(read, path))


def metadata_readers(path: Path) -> None:
    told(partial(recall, path))
    told(partial(read_parameters, path))
    told(partial(read_digital_source, path))


def base_folder(path: Path) -> Any:
    return detect(path.parents[1])


READERS = {
    "PNG, tEXt": Reader(
        "made.png", metadata_readers, PARAMETERS, lambda text: with_chunk(b"tEXt", b"parameters\0" + text)
    ),
    "PNG, iTXt": Reader(
        "made.png",
        metadata_readers,
        (b"parameters\0\0\0\0\0a\nSteps: 1, Seed: 2, Size: 8x8",),
        lambda text: with_chunk(b"iTXt", text),
    ),
    "PNG, zTXt": Reader(
        "made.png",
        metadata_readers,
        PARAMETERS,
        lambda text: with_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(text)),
    ),
    "JPEG, user comment": Reader(
        "made.jpg", metadata_readers, tuple(b"UNICODE\0" + one for one in PARAMETERS), with_exif
    ),
    "EXIF": Reader("made.jpg", every_picture_reader, (with_exif(b"x")[26:400],), exif_of),
    "XMP": Reader(
        "made.png",
        metadata_readers,
        (b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><!DOCTYPE a></x:xmpmeta>",),
        lambda text: with_chunk(b"iTXt", text),
    ),
    "colour profile": Reader(
        "made.jpg",
        every_picture_reader,
        (profile(),),
        lambda data: encoded("JPEG", icc_profile=data[:60_000]),
    ),
    "odd pictures": Reader("odd.png", every_picture_reader, ODD_MODES + DEEP),
    "an SVG": Reader(
        "a.svg", every_picture_reader, (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",)
    ),
    "LoRA, looked at": Reader("a.safetensors", shown, tuple(map(lora, ("kohya", "peft", "diffusers")))),
    "LoRA's side-car": Reader(
        "a.json",
        lambda path: wish_for(path.with_suffix(".safetensors"), None),
        (b'{"activation text": "x", "preferred weight": 0.8, "notes": "y"}',),
    ),
    "LoRA's settings": Reader(
        "adapter_config.json",
        lambda path: look_at(path.with_name("peft.safetensors")),
        (b'{"r": 2, "lora_alpha": 4, "alpha_pattern": {"a.*": 3}, "auto_mapping": null}',),
    ),
    "base model's folder": Reader(
        "model_index.json", lambda path: detect(path.parent), (json.dumps(MODEL).encode(),)
    ),
    "base model's U-Net": Reader("unet/config.json", base_folder, (json.dumps(MODEL).encode(),)),
    "base model's file": Reader("base.safetensors", detect, (lora(),)),
    "ComfyUI's folders": Reader(FILE, lambda path: lora_folders(path.parent), (SECTIONS,)),
    "cached latents": Reader("a_sd.npz", _shapes, (npz(latents=np.ones((4, 8, 8), np.float32)),)),
    "metadata file": Reader(
        "meta.json", read_metadata, (b'{"a.png": {"caption": "x", "tags": "y", "train_resolution": [8, 8]}}',)
    ),
    "metadata lines": Reader("meta.jsonl", read_metadata, (b'{"image_path": "a.png", "caption": "x"}\n',)),
    "preset of kohya_ss": Reader("gui.json", read_tables, (b'{"LoRA_type": "Standard", "epoch": 1}',)),
    "saved state": Reader(
        "train_state.json",
        lambda path: read_progress(path.parent),
        (b'{"format": 1, "step": 2, "seed": 3, "losses": [0.1], "plan": {"steps": 4}}',),
    ),
    "sweep's list, JSON lines": Reader("list.jsonl", read_rows, (b'{"stage_a.kohya.network_dim": 8}\n{}\n',)),
    "sweep's list, CSV": Reader(
        "list.csv", read_rows, (b"stage_a.kohya.network_dim,stage_a.kohya.optimizer_type\n8,AdamW\n",)
    ),
    "sweep's list, TOML": Reader("list.toml", read_rows, (b"[[trials]]\nstage_a.kohya.network_dim = 8\n",)),
    "sweep's grid": Reader(
        "grid.txt",
        lambda path: parse_axis(path.read_bytes().decode("utf-8", "replace")),
        (b"stage_a.kohya.learning_rate=1e-5,1e-4", b"stage_a.kohya.network_dim=4..32*2", b'x=["a","b"]'),
    ),
    "cell of a table": Reader(
        "m.csv",
        read_manifest,
        (b'a.png,anna,"{""id"": ""C""}",26-30,front,bust,left,"{""k"": ""v""}"',),
        lambda row: b"image,subject,consent,age,view,type,ear_side,tags\n" + row,
    ),
}


def prepare(folder: Path) -> None:
    """What stands beside the file that is read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.png").write_bytes(encoded("PNG"))
    (folder / "a.safetensors").write_bytes(lora())
    (folder / "peft.safetensors").write_bytes(lora("peft"))


@pytest.mark.parametrize("kind", READERS)
def test_a_reader_answers_or_names_the_fault(kind: str, tmp_path: Path):
    reader = READERS[kind]
    path = tmp_path / "odd 'files' Ж 🙂" / reader.name
    prepare(path.parent)

    @tries(40)
    @given(mutated(reader.seeds))
    def answered(data: bytes) -> None:
        path.write_bytes(reader.wrap(data))
        told(partial(reader.read, path))

    answered()


def test_a_list_of_zips_members_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb_sd.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("latents.npy", bytes(20_000_000))
    assert _shapes(path) is None
