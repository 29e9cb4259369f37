"""The README: its commands run, its table has every command; the Russian one says the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.guides.photographs import write_folder
from dataset_tools.files import write_text
from tests.docs.console import DOCS
from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.lora import NAMES as LORA_COMMANDS
from wrapper.cli.main import COMMANDS, run

ROOT = DOCS.parent
ENGLISH, RUSSIAN = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ru.md"))
BOTH = pytest.mark.parametrize("text", [ENGLISH, RUSSIAN], ids=["English", "Russian"])
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TRAIN = """pretrained_model_name_or_path = "someone/sd15"
train_data_dir = "img"
caption_extension = ".txt"
output_dir = "out"
output_name = "face"
resolution = "512,512"
network_module = "networks.lora"
learning_rate = 1e-4
"""
INSTEAD = {
    "--base sdxl.safetensors": "--base demo",
    "lorawrap run": "lorawrap run --dry-run",
}
"""An SDXL base is not here; the whole job is run by tests/test_real_photograph.py, for minutes."""


def shell_lines(text: str) -> list[str]:
    """The lines of the README's shell blocks, comments left out, continued ones joined."""
    blocks = [body.replace("\\\n", " ") for kind, body in _BLOCK.findall(text) if kind == "sh"]
    lines = [line.split("   #")[0].split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [" ".join(line.split()) for line in lines]


def write_kohya(folder: Path) -> None:
    """``train.toml`` and the folders that it names, as kohya_ss leaves them."""
    write_text(folder / "train.toml", TRAIN)
    for number in range(2):
        image = folder / "img" / "3_ohwx woman" / f"{number}.png"
        write_text(image.with_suffix(".txt"), "ohwx woman, portrait")
        Image.effect_noise((512, 512), 60).convert("RGB").save(image)


def test_the_commands_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    write_folder(tmp_path)
    write_kohya(tmp_path)
    save(tmp_path / "myface.safetensors", tensors(plain_layers("sd15")))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = 0
    for line in shell_lines(ENGLISH):
        program, *argv = shlex.split(INSTEAD.get(line, line).replace(*next(iter(INSTEAD.items()))))
        if program == "cd":
            monkeypatch.chdir(argv[0])
        elif program == "lorawrap":
            argv = [str(Path(word).expanduser()) if word.startswith("~") else word for word in argv]
            assert run(argv) == 0, (line, capsys.readouterr().err)
            done += 1
    assert done >= 8


@BOTH
def test_the_table_has_every_command(text: str):
    named = {
        name for row in re.findall(r"^\| (`[^|]+) \|", text, re.M) for name in re.findall(r"`([^`]+)`", row)
    }
    assert named == {name for name in COMMANDS if name != "lora"} | {f"lora {name}" for name in LORA_COMMANDS}


@BOTH
def test_every_guide_and_notebook_is_linked(text: str):
    pages = [*DOCS.glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    linked = set(re.findall(r"\]\(([^)#]+)", text))
    assert [page.name for page in pages if page.relative_to(ROOT).as_posix() not in linked] == []


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_knows_what_the_readme_asks_of_it(target: str):
    assert f"make {target}" in shell_lines(ENGLISH)
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def outline(text: str) -> list[object]:
    """What no language changes: levels of headings, code, pictures, links, first cells of tables."""
    bare = _BLOCK.sub("", text)
    parts = (
        r"^(#+) |^(?:\| (`[^|]*`|\[[^|]*\)) \||(\|).*\|)$|!\[[^\]]*\]\(([^)]+)\)|(?<!!)\[[^\]]*\]\(([^)#]+)\)"
    )
    found: list[object] = [next(filter(None, groups), "") for groups in re.findall(parts, bare, re.M)]
    return [*found, *(body for kind, body in _BLOCK.findall(text) if kind != "sh"), *shell_lines(text)]


def test_the_russian_one_is_in_step():
    russian = [part for part in outline(RUSSIAN) if part != "README.md"]
    assert russian == [part for part in outline(ENGLISH) if part != "README.ru.md"]
    assert sorted(re.findall(r"`[^`\n]+`", _BLOCK.sub("", RUSSIAN))) == sorted(
        re.findall(r"`[^`\n]+`", _BLOCK.sub("", ENGLISH))
    )
