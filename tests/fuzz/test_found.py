"""What fuzzing found, kept as it was found: each of these once ended a command with a traceback."""

from __future__ import annotations

import json
import zipfile
import zlib
from functools import partial
from io import BytesIO

import numpy as np
from PIL import Image

from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.manifests.places import inner_path
from dataset_tools.pictures.images import read_rgb
from tests.fuzz.reading import encoded, told
from wrapper.base_model.detect import detect
from wrapper.diffusion.prompts.presets import list_presets
from wrapper.diffusion.txt2img.recall import recall
from wrapper.export.places.model_paths import FILE, lora_folders
from wrapper.kohya.checks.caches import _shapes
from wrapper.kohya.imports.foreign import read_tables
from wrapper.project.load import load_project, parse_override
from wrapper.records import each_line, read_json
from wrapper.runs.events import parse

DEEP = "[" * 100_000


def test_a_progress_line_whose_clock_is_none():
    for line in ("steps: 1%|x| 1/2 [:<?, 1it/s]", "steps: 1%|x| 1/2 [1::2<00:01]", "steps: 1%|| 1/2 [1<:]"):
        assert parse(line) is None
    assert parse(f"steps: 1%|x| {'9' * 5000}/2 [00:01<00:01]") is None
    found = parse("steps:  12%|█▏ | 12/100 [1:00:05<123:00:40,  2.2it/s, avr_loss=0.123]")
    assert found is not None
    assert (found.elapsed_s, found.left_s) == (3605, 123 * 3600 + 40)


def test_settings_with_a_number_of_5000_digits_or_tables_too_deep(tmp_path):
    for text in (f"a = {'1' * 5000}", f"{'a.' * 5000}a = 1", f"[{'a.' * 5000}a]"):
        for name, read in (("lorawrap.toml", load_project), ("prompts.toml", list_presets)):
            (tmp_path / name).write_text(text, encoding="utf-8")
            assert "not valid TOML" in told(partial(read, tmp_path))
    assert parse_override(f"a={'1' * 5000}") == ("a", "1" * 5000)


def test_json_that_is_nested_without_end(tmp_path):
    for name in ("model_index.json", "gui.json", "choice.json", "lines.jsonl"):
        (tmp_path / name).write_text(DEEP, encoding="utf-8")
    assert "too deep" in told(partial(detect, tmp_path))
    assert "too deep" in told(partial(read_tables, tmp_path / "gui.json"))
    assert "too deep" in told(partial(read_json, tmp_path / "choice.json"))
    assert "too deep" in told(lambda: list(each_line(tmp_path / "lines.jsonl")))


def test_a_cell_of_a_table_that_is_nested_without_end(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('image,tags\na.png,"{""a"":' + "[" * 30_000 + '"\n', encoding="utf-8")
    assert "tags" in told(partial(read_manifest, path))


def test_an_object_of_very_many_names_one_of_them_twice(tmp_path):
    path = tmp_path / "m.json"
    names = ",".join(f'"{number}":1' for number in range(100_000))
    path.write_text(f'[{{{names},"99999":2}}]', encoding="utf-8")
    assert "'99999' is there twice" in told(partial(read_manifest, path))


def test_a_table_of_very_many_columns(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("image," + ",".join(f"c{number}" for number in range(100_000)) + "\n", encoding="utf-8")
    assert "100,001 columns" in told(partial(read_manifest, path))


def test_a_day_that_no_month_has_in_yaml(tmp_path):
    (tmp_path / FILE).write_text("a: {loras: x, when: 2020-13-45}", encoding="utf-8")
    assert "cannot be read" in told(partial(lora_folders, tmp_path))


def test_cached_latents_that_are_encrypted_or_packed_in_an_unknown_way(tmp_path):
    path = tmp_path / "a_sd.npz"
    np.savez(path, latents=np.zeros((4, 8, 8), np.float32))
    whole = path.read_bytes()
    for offset, value in ((8, 99), (6, 1)):  # the method of packing, the flag of encryption
        data = bytearray(whole)
        for start in (data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02") + 2):
            data[start + offset] = value
        path.write_bytes(data)
        assert _shapes(path) is None
    for header in (
        b"{'descr': (",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (4L,), }\n",
        b"(" * 9000,
    ):
        with zipfile.ZipFile(path, "w") as archive:
            member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
            archive.writestr("latents.npy", member)
        assert _shapes(path) in (None, {"latents": (4,)})


def test_a_picture_that_says_more_pixels_than_there_are_numbers_for(tmp_path):
    data = bytearray(encoded("PNG"))
    place = data.index(b"IHDR") + 4
    data[place : place + 8] = b"\x7f\xff\xff\xff" * 2
    data[place + 13 : place + 17] = zlib.crc32(data[place - 4 : place + 13]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data)
    assert "more than 150,000,000 pixels" in told(partial(recall, tmp_path / "a.png"))


def test_a_picture_of_signalling_no_numbers(tmp_path):
    odd = np.array([[0x7F800001, 0x3F800000], [0xFF800001, 0x7F800000]], np.uint32).view(np.float32)
    stream = BytesIO()
    Image.fromarray(np.zeros((2, 2), np.float32)).save(stream, "TIFF")
    data = stream.getvalue()[:-16] + odd.tobytes()
    (tmp_path / "odd.tif").write_bytes(data)
    assert read_rgb(tmp_path / "odd.tif").shape == (2, 2, 3)


def test_a_drive_behind_a_dot_leads_out():
    for path in ("./C:/Windows/a.png", "./\\a.png"):
        assert "leads out" in told_of(path)


def told_of(path: str) -> str:
    try:
        return json.dumps(inner_path(path))
    except ValueError as error:
        return str(error)
