"""What a name must be to lie on any disk."""

from __future__ import annotations

import pytest

from dataset_tools.system.portable_names import cut, fault_of, folded, is_device


@pytest.mark.parametrize("name", ["con", "AUX.txt", "nul .tar.gz", "Com1", "lpt³.png", "CONIN$"])
def test_devices(name: str):
    assert is_device(name)
    assert "device" in fault_of(name)


@pytest.mark.parametrize("name", ["console", "aux_", "com10.txt", "a.con", "конь", "0_con"])
def test_names_that_only_look_like_devices(name: str):
    assert fault_of(name) == ""


@pytest.mark.parametrize(
    "name", ["a:b", "a/b", "a\\b", "a?", "a*", "<a>", "a|b", 'a"', "a\n", "a.", "a ", "..", "", "й" * 128]
)
def test_names_that_some_file_system_refuses(name: str):
    assert fault_of(name)


def test_names_that_some_file_system_takes_for_one():
    assert folded("А\u0306.PNG") == folded("ӑ.png")
    assert folded("Straße") == folded("STRASSE")
    assert folded("a") != folded("b")


def test_a_name_is_cut_between_letters():
    assert cut("жж", 3) == "ж"
    assert cut("🙂", 3) == ""
    assert cut("a\udc80b", 9) == "ab"
