"""``extra_model_paths.yaml`` is read as ComfyUI reads it: sections, several lines, defaults, variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.export.places.model_paths import LoraFolder, lora_folders


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    root = tmp_path / "Comfy UI «ухо»"
    root.mkdir()
    return root


def folders(comfyui: Path, text: str) -> list[str]:
    """What ComfyUI would search, as paths from the folder above it."""
    (comfyui / "extra_model_paths.yaml").write_text(text, encoding="utf-8")
    found = lora_folders(comfyui)
    return [folder.path.relative_to(comfyui.parent).as_posix() for folder in found]


def test_without_the_file_there_is_comfyuis_own_folder_alone(comfyui: Path):
    assert lora_folders(comfyui) == [LoraFolder(comfyui / "models" / "loras")]


CASES = {
    "a relative base": ("a:\n  base_path: ../ui\n  loras: models/Lora\n", ["{own}", "ui/models/Lora"]),
    "several lines": (
        "a:\n  base_path: ../ui\n  loras: |\n    models/Lora\n    models/LyCORIS\n",
        ["{own}", "ui/models/Lora", "ui/models/LyCORIS"],
    ),
    "no base: from the file's folder": ("a:\n  loras: ../shared/loras\n", ["{own}", "shared/loras"]),
    "a default comes first": ("a:\n  is_default: true\n  loras: ../x\n", ["x", "{own}"]),
    "the last of two defaults is first": (
        "a:\n  is_default: true\n  loras: ../x\nb:\n  is_default: true\n  loras: |\n    ../y\n    ../z\n",
        ["z", "y", "x", "{own}"],
    ),
    "its own folder named again": ("a:\n  loras: models/loras\n", ["{own}"]),
    "its own folder as a default": (
        "a:\n  loras: ../x\n  is_default: true\nb:\n  is_default: true\n  loras: models/loras/\n",
        ["{own}", "x"],
    ),
    "other folders only": ("a:\n  base_path: ../ui\n  checkpoints: models/c\n", ["{own}"]),
    "an empty section": ("a:\n", ["{own}"]),
    "no folder behind the colon": ("a:\n  loras:\n", ["{own}"]),
    "an empty file": ("# nothing\n", ["{own}"]),
    "a byte order mark": ("\ufeffa:\n  loras: ../x\n", ["{own}", "x"]),
    "a tilde counts in the base alone": ("a:\n  loras: ~/x\n", ["{own}", "{name}/~/x"]),
}


@pytest.mark.parametrize("case", CASES)
def test_folders_in_the_order_of_comfyuis_search(case: str, comfyui: Path):
    text, wanted = CASES[case]
    own = f"{comfyui.name}/models/loras"
    assert folders(comfyui, text) == [one.format(own=own, name=comfyui.name) for one in wanted]


def test_variables_and_the_home_folder_count_in_the_base(comfyui: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(comfyui.parent))
    monkeypatch.setenv("MODELS", "big disk")
    text = "a:\n  base_path: ~/$MODELS\n  loras: loras\nb:\n  base_path: ~nobody-here/x\n  loras: y\n"
    assert folders(comfyui, text)[1:] == ["big disk/loras", f"{comfyui.name}/~nobody-here/x/y"]


def test_an_absolute_line_stands_over_the_base(comfyui: Path):
    text = f"a:\n  base_path: ../ui\n  loras: {(comfyui.parent / 'elsewhere').as_posix()}\n"
    assert folders(comfyui, text)[1] == "elsewhere"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:\n  loras: [x\n", "cannot be read"),
        ("a:\n  loras: [x, y]\n", r"\[a\]: loras and base_path must be text"),
        ("a:\n  base_path: 3\n  loras: x\n", r"\[a\]: loras and base_path must be text"),
        ("a: models/Lora\n", r"\[a\]: is not a table"),
        ("- a\n- b\n", "has no sections"),
        ("!!python/object/apply:os.system ['true']\n", "cannot be read"),
    ],
)
def test_a_broken_file_is_one_sentence(text: str, said: str, comfyui: Path):
    with pytest.raises(UserError, match=said):
        folders(comfyui, text)


def test_a_file_that_is_no_text_is_one_sentence(comfyui: Path):
    (comfyui / "extra_model_paths.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        lora_folders(comfyui)
