"""``FILE:WEIGHT`` on the command line and ``<lora:NAME:WEIGHT>`` in prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_a_prompt_without_tags_stays_as_it_is(folder):
    assert take_tags("a  woman,  2 < 3 ", [folder]) == ("a  woman,  2 < 3 ", [])


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("<lora:nobody:1>", "there is no nobody.safetensors"),
        ("<lora:../my face:1>", "there is no"),
        ("<lora:ухо:much>", "weight 'much' is not a number"),
        ("<lora:ухо:1:2:3>", "not a tag"),
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
