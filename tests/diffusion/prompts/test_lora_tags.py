"""``FILE:WEIGHT`` on the command line and ``<lora:NAME:WEIGHT>`` in prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dataset_tools.errors import UserError
from wrapper.diffusion.prompts.lora_tags import parse_lora_argument, refuse_tags, take_tags


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [
        ("a.safetensors", "a.safetensors", 1.0),
        ("my lora 'ухо'.safetensors:0.75", "my lora 'ухо'.safetensors", 0.75),
        (r"C:\loras\a.safetensors", r"C:\loras\a.safetensors", 1.0),
        (r"C:\loras\a.safetensors:-0.5", r"C:\loras\a.safetensors", -0.5),
        ("a:b.safetensors", "a:b.safetensors", 1.0),
    ],
)
def test_file_and_weight(text, path, weight):
    use = parse_lora_argument(text)
    assert (use.path, use.weight, use.te_weight) == (Path(path), weight, None)


def test_a_weight_that_is_not_finite_is_refused():
    with pytest.raises(UserError, match="weight 'nan' is not a number"):
        parse_lora_argument("a.safetensors:nan")


@pytest.fixture
def folder(tmp_path):
    for name in ("my face", "ухо"):
        (tmp_path / f"{name}.safetensors").touch()
    return tmp_path


def test_tags_are_cut_out_and_looked_up(folder):
    text, uses = take_tags("photo, <lora:my face:0.8> a woman <lora:ухо:0.2:0.6>", [Path("none"), folder])
    assert text == "photo, a woman"
    assert [(use.path, use.weight, use.te_weight) for use in uses] == [
        (folder / "my face.safetensors", 0.8, 0.8),
        (folder / "ухо.safetensors", 0.6, 0.2),
    ]


def test_a_tag_without_a_weight_is_one(folder):
    _, (use,) = take_tags("<lora:ухо>", [folder])
    assert use.weight == 1


@pytest.mark.parametrize(
    ("arguments", "te_weight", "unet_weight"),
    [
        ("0.5", 0.5, 0.5),
        ("0.5:0.8", 0.5, 0.8),
        ("te=0.5", 0.5, 0.5),
        ("unet=0.8", 1.0, 0.8),
        ("0.5:unet=0.8", 0.5, 0.8),
        (" te = 0 : unet = -1 ", 0.0, -1.0),
    ],
)
def test_weights_by_place_and_by_name(folder, arguments, te_weight, unet_weight):
    _, (use,) = take_tags(f"<lora:ухо:{arguments}>", [folder])
    assert (use.te_weight, use.weight) == (te_weight, unet_weight)


@pytest.fixture
def tree(folder):
    for name in ("old/ухо 'two'", "old/same", "new/same", ".hidden/secret"):
        (folder / f"{name}.safetensors").parent.mkdir(exist_ok=True)
        (folder / f"{name}.safetensors").touch()
    save_file({"a": np.zeros(1)}, folder / "old" / "file-05.safetensors", {"ss_output_name": "myface"})
    return folder


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("ухо 'two'", "old/ухо 'two'"),
        ("new/same", "new/same"),
        ("myface", "old/file-05"),
        ("file-05", "old/file-05"),
    ],
)
def test_subfolders_and_aliases(tree, name, file):
    _, (use,) = take_tags(f"<lora:{name}:1>", [tree])
    assert use.path == tree / f"{file}.safetensors"


def test_a_file_in_the_folder_itself_comes_before_those_below(tree):
    (tree / "old" / "ухо.safetensors").touch()
    _, (use,) = take_tags("<lora:ухо:1>", [tree])
    assert use.path == tree / "ухо.safetensors"


def test_a_name_of_several_files_is_ambiguous(tree):
    with pytest.raises(UserError, match="several LoRA files have that name") as caught:
        take_tags("<lora:same:1>", [tree])
    assert "new" in caught.value.message
    assert "<lora:folder/name:1>" in caught.value.hint


def test_an_unknown_name_gets_the_nearest_one_and_all_faults_are_told_at_once(tree):
    with pytest.raises(UserError) as caught:
        take_tags("<lora:my fase:1> a woman <lora:secret:much>", [tree])
    assert "Did you mean 'my face'?" in caught.value.message
    assert "'much' is not a number" in caught.value.message


def test_a_prompt_without_tags_stays_as_it_is(folder):
    assert take_tags("a  woman,  2 < 3 ", [folder]) == ("a  woman,  2 < 3 ", [])


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("<lora:nobody:1>", "there is no LoRA 'nobody'"),
        ("<lora:../my face:1>", "there is no"),
        ("<lora:ухо:much>", "weight 'much' is not a number"),
        ("<lora:ухо:1:2:3>", "dynamic rank"),
        ("<lora:ухо:1:dyn=4>", "dynamic rank"),
        ("<lora:ухо:1:2:3:4>", "not a tag"),
        ("<lora:ухо:rank=4>", "not a tag"),
        ("<lora::1>", "not a tag"),
        ("<hypernet:x:1>", "not a tag"),
    ],
)
def test_tags_that_cannot_be_followed_are_refused(folder, prompt, said):
    with pytest.raises(UserError, match=said):
        take_tags(prompt, [folder / "sub", folder])


def test_a_projects_own_prompts_carry_no_tags():
    refuse_tags("a woman")
    with pytest.raises(UserError, match="<lora:x:1>"):
        refuse_tags("a woman <lora:x:1>")
