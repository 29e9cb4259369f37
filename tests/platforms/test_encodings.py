"""Files that people write by hand, as Windows' editors save them: read alike, or the encoding is named."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from dataset_tools.captioning.caption_files import read_captions
from dataset_tools.captioning.captions import caption_from_file
from dataset_tools.errors import Problems, UserError
from dataset_tools.manifests.kohya_tree import caption_line
from dataset_tools.manifests.manifest import read_manifest
from tests.dataset_tools.rows import values
from wrapper.diffusion.prompts.prompt_file import read_prompts
from wrapper.export.places.model_paths import FILE, lora_folders
from wrapper.kohya.imports.foreign import read_tables
from wrapper.kohya.located import read_located, read_located_json
from wrapper.launch.children.process import run
from wrapper.launch.command import Command, embedded_trainer, environment
from wrapper.project.load import load_project
from wrapper.sd_scripts.children import run as ask_other
from wrapper.sweep.planning.lists import read_rows
from wrapper.trainer.data.pictures import read_caption

ROW = values(image="ухо.png", mask=None)
ROWS = [ROW, {**ROW, "image": "ухо 2.png"}]
HEAD, *CELLS = [",".join(part) for part in (ROW, *(row.values() for row in ROWS))]


def manifest(path: Path) -> Any:
    return read_manifest(path).rows[1].image


def caption_of_trainer(path: Path) -> Any:
    problems = Problems()
    found = read_caption(path.with_suffix(".png"), SimpleNamespace(caption_extension=".txt"), problems)  # type: ignore[arg-type]
    problems.raise_if_any()
    return found


def texts(path: Path) -> list[tuple[str, str | None]]:
    return [(one.text, one.negative) for one in read_prompts(path)]


class Reader(NamedTuple):
    """A file's name, what people write into it, and what is read from a file of that kind."""

    name: str
    text: str
    read: Callable[[Path], Any]


CAPTION = "портрет, myface\nа second line\n"
PRESET = '{\n"learning_rate": 0.0001,\n"output_name": "лицо"\n}\n'
TOML = '[training]\nresolution = "512,512"\noutput_name = "лицо"\n'
READERS = {
    "project": Reader(
        "lorawrap.toml", '[project]\nname = "лицо"\n', lambda path: load_project(path.parent).settings.project
    ),
    "manifest, JSON": Reader("m.json", json.dumps(ROWS, ensure_ascii=False, indent=1), manifest),
    "manifest, JSON lines": Reader(
        "m.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS), manifest
    ),
    "manifest, CSV": Reader("m.csv", "\n".join((HEAD, *CELLS)), manifest),
    "a caption, for build": Reader("ухо.txt", CAPTION, caption_from_file),
    "a caption, of a Kohya tree": Reader("ухо.txt", CAPTION, caption_line),
    "captions, to edit": Reader(
        "ухо.txt",
        CAPTION,
        lambda path: [text.splitlines() for text in read_captions(path.parent).values()],
    ),
    "a caption, for the trainer": Reader("ухо.txt", CAPTION, caption_of_trainer),
    "prompts, text": Reader("p.txt", "портрет --n размыто --s 20\n# no\nухо\n", texts),
    "prompts, TOML": Reader("p.toml", '[prompt]\n[[prompt.subset]]\nprompt = "ухо"\n', texts),
    "prompts, JSON": Reader("p.json", '[{"prompt":\n "ухо"}]', texts),
    "a sweep's list, CSV": Reader("l.csv", "train.stage_a.seed,project.name\n1,лицо\n2,ухо\n", read_rows),
    "a sweep's list, JSON": Reader("l.json", '[\n{"project.name": "лицо"}]', read_rows),
    "a sweep's list, JSON lines": Reader("l.jsonl", '{"project.name": "лицо"}\n{"a": 1}\n', read_rows),
    "a sweep's list, TOML": Reader("l.toml", '[[trial]]\n"project.name" = "лицо"\n', read_rows),
    "a preset, JSON": Reader("kohya.json", PRESET, read_tables),
    "a preset, TOML": Reader("kohya.toml", TOML, read_tables),
    "ComfyUI's folders": Reader(
        FILE, "a111:\n  base_path: /модели/\n  loras: a\n", lambda path: lora_folders(path.parent)
    ),
}
STRICT = {
    "a training file, to check": Reader("train.toml", TOML, lambda path: read_located(path).data),
    "a dataset file, to check": Reader("dataset.json", PRESET, lambda path: read_located_json(path).data),
}
"""sd-scripts itself reads these: what it cannot read is refused."""
ALL = {**READERS, **STRICT}


def saved(folder: Path, reader: Reader, data: bytes) -> Path:
    folder = folder / "мои 'файлы' 🙂"
    folder.mkdir(exist_ok=True)
    for name in ("ухо.png", "ухо 2.png"):
        (folder / name).touch()
    (folder / reader.name).write_bytes(data)
    return folder / reader.name


@pytest.mark.parametrize("reader", ALL.values(), ids=ALL)
def test_line_ends_of_windows_are_read(reader: Reader, tmp_path: Path):
    plain = reader.read(saved(tmp_path, reader, reader.text.encode()))
    assert reader.read(saved(tmp_path, reader, reader.text.replace("\n", "\r\n").encode())) == plain
    assert (
        "лицо" in repr(plain) or "ухо" in repr(plain) or "портрет" in repr(plain) or "модели" in repr(plain)
    )


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_byte_order_mark_is_passed_over(reader: Reader, tmp_path: Path):
    plain = reader.read(saved(tmp_path, reader, reader.text.encode()))
    crlf = reader.text.replace("\n", "\r\n").encode("utf-8-sig")
    assert reader.read(saved(tmp_path, reader, crlf)) == plain


def test_a_byte_order_mark_that_sd_scripts_stumbles_over_is_named(tmp_path: Path):
    reader = STRICT["a training file, to check"]
    with pytest.raises(UserError) as caught:
        reader.read(saved(tmp_path, reader, reader.text.encode("utf-8-sig")))
    assert "not as 'UTF-8 with BOM'" in f"{caught.value.message} {caught.value.hint}"


UTF16 = {
    "little": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "big": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "no mark": (b"", "utf-16-le"),
}


@pytest.mark.parametrize(("mark", "encoding"), UTF16.values(), ids=UTF16)
@pytest.mark.parametrize("reader", ALL.values(), ids=ALL)
def test_utf_16_is_refused_by_its_name(reader: Reader, mark: bytes, encoding: str, tmp_path: Path):
    data = mark + reader.text.replace("\n", "\r\n").encode(encoding)
    with pytest.raises(UserError) as caught:
        reader.read(saved(tmp_path, reader, data))
    said = str(caught.value.message)
    assert "UTF-16" in said
    assert len(said.splitlines()) == 1, "one sentence"


def test_what_a_user_set_for_output_does_not_reach_children(monkeypatch: pytest.MonkeyPatch):
    """Else a trainer dies of the first name that the code page lacks; what is read here is UTF-8."""
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252:strict")
    lines: list[str] = []
    say = ("-c", "print('шаг ✓')")
    child = Command((sys.executable, *say), environment(embedded_trainer(), None))
    assert (run(child, lines.append), lines) == (0, ["шаг ✓"])
    assert ask_other(Path(sys.executable), *say).stdout == "шаг ✓\n"
