"""Every key of a TOML file knows its line, however it is written."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.kohya.located import read_located, read_located_json
from wrapper.kohya.toml_places import toml_places

TEXT = '''# a comment with [brackets] and key = 1
top = 1
"quoted key" = 'x' # y = 2
[train]
a.b = 2
inline = { q = 1, "r s" = [{u = 2}] }
long = [
  1, # , ]
  "a]b",
]
text = """
multi = 1
[no.table]
"""
after = 3
[[datasets]]
resolution = 512
  [[datasets.subsets]]
  image_dir = 'a'
  [[ datasets . subsets ]]
  image_dir = 'b'
[[datasets]]
subsets = [
  {image_dir = "c", num_repeats = 2},
  {image_dir = "d"},
]
'''
PLACES = {
    ("", "top"): 2,
    ("", "quoted key"): 3,
    ("train", ""): 4,
    ("train.a", "b"): 5,
    ("train", "inline"): 6,
    ("train.inline", "q"): 6,
    ("train.inline", "r s"): 6,
    ("train", "long"): 7,
    ("train", "text"): 11,
    ("train", "after"): 15,
    ("datasets[0]", ""): 16,
    ("datasets[0]", "resolution"): 17,
    ("datasets[0].subsets[0]", "image_dir"): 19,
    ("datasets[0].subsets[1]", ""): 20,
    ("datasets[0].subsets[1]", "image_dir"): 21,
    ("datasets[1]", ""): 22,
    ("datasets[1].subsets[0]", "image_dir"): 24,
    ("datasets[1].subsets[0]", "num_repeats"): 24,
    ("datasets[1].subsets[1]", "image_dir"): 25,
}


@pytest.mark.parametrize(("place", "line"), PLACES.items(), ids=lambda value: str(value))
def test_a_key_knows_its_line(place, line):
    assert toml_places(TEXT)[place] == line


def test_nothing_inside_a_text_is_a_key():
    assert not [key for _, key in toml_places(TEXT) if key in ("multi", "key", "y")]


@pytest.mark.parametrize("text", ["a = [1,\nb = 2", "a = {b = 1", "[a", "= 1", 'a = "', "", "\n\n"])
def test_a_text_that_breaks_off_ends_the_search(text):
    assert len(toml_places(text)) <= 3


def test_where_names_file_line_and_section(tmp_path):
    path = tmp_path / "обучение 'a'.toml"
    text = "[[datasets]]\n[[datasets.subsets]]\nimage_dir = 'a'\n\n[[datasets.subsets]]\nimage_dir = 'b'\n"
    path.write_text(text, encoding="utf-8")
    where = read_located(path).where("datasets[0].subsets[1]", "image_dir")
    assert where == "обучение 'a'.toml:6 [datasets[0].subsets[1]]"
    assert (where.file, where.line, where.section) == ("обучение 'a'.toml", 6, "datasets[0].subsets[1]")


REFUSED = {
    "no TOML": ("[broken", "not valid TOML"),
    "a list of two types": ("a = [1, 2.5]\n", "not valid TOML for sd-scripts: Not a homogeneous array"),
    "twice": ("a = 1\na = 2\n", "not valid TOML"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_what_sd_scripts_cannot_read_is_refused(tmp_path, text, said):
    path = tmp_path / "train.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read_located(path)


def test_text_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "train.toml"
    path.write_bytes('a = "ухо"'.encode("cp1251"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_located(path)


def test_json_is_read_without_lines(tmp_path):
    path = tmp_path / "data.json"
    path.write_text('{"datasets": []}', encoding="utf-8")
    assert read_located_json(path).where("datasets[0]") == "data.json [datasets[0]]"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="not a JSON object"):
        read_located_json(path)
