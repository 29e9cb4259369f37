"""Where commands may write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.lora_tools.output import check_output


def test_a_new_file_may_be_written(tmp_path: Path):
    check_output(tmp_path / "новая папка" / "a.safetensors", [tmp_path / "b.safetensors"], False)


def test_a_file_that_is_there_needs_force(tmp_path: Path):
    out = tmp_path / "a.safetensors"
    out.touch()
    with pytest.raises(UserError, match="is there already"):
        check_output(out, [], False)
    check_output(out, [], True)


@pytest.mark.parametrize("link", [False, True], ids=["itself", "by a link"])
def test_the_input_is_never_written_over(tmp_path: Path, link: bool):
    out = given = tmp_path / "a.safetensors"
    out.touch()
    if link:
        given = tmp_path / "b.safetensors"
        os.link(out, given)
    with pytest.raises(UserError, match="is the file that is read"):
        check_output(out, [given], True)


def test_a_file_needs_its_suffix(tmp_path: Path):
    with pytest.raises(UserError, match=r"does not end in \.safetensors") as caught:
        check_output(tmp_path / "a.pt", [], True)
    assert caught.value.hint == "Give --out a.pt.safetensors."


def test_a_folder_is_no_file(tmp_path: Path):
    (tmp_path / "a.safetensors").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        check_output(tmp_path / "a.safetensors", [], True)


def test_a_place_below_a_file_is_told_before_the_work(tmp_path: Path):
    (tmp_path / "a").touch()
    with pytest.raises(UserError, match="is a file, not a folder"):
        check_output(tmp_path / "a" / "b.safetensors", [], False)
