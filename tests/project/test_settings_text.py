"""Values put into a project file's text: nothing else of it changes."""

from __future__ import annotations

import difflib

import pytest

from wrapper.project.settings_text import with_values

TEXT = """# mine
[base]
model = "a # b"     # the base
[crop]
size = 512   # px

[stage_a.kohya]
lr = [1, 2] # two
"""


def changed(values: dict[str, object]) -> list[str]:
    new = with_values(TEXT, values)
    lines = difflib.ndiff(TEXT.splitlines(), new.splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"crop.size": 512}, []),
        ({"crop.size": 64}, ["- size = 512   # px", "+ size = 64   # px"]),
        (
            {"base.model": 'C:\\"x"'},
            ['- model = "a # b"     # the base', '+ model = "C:\\\\\\"x\\""     # the base'],
        ),
        ({"crop.shape": "bucket"}, ['+ shape = "bucket"']),
        ({"stage_a.kohya.lr": [3]}, ["- lr = [1, 2] # two", "+ lr = [3] # two"]),
        ({"stage_b.enabled": False}, ["+ ", "+ [stage_b]", "+ enabled = false"]),
    ],
    ids=["same", "number", "string", "new key", "list", "new table"],
)  # fmt: skip
def test_a_value_takes_its_line_and_leaves_the_others(values: dict[str, object], lines: list[str]):
    assert changed(values) == lines


def test_a_line_that_is_not_understood_is_not_passed_over():
    several_lines = '[generate]\nprompts = [\n    "a",\n]\n'
    with pytest.raises(ValueError, match="line"):
        with_values(several_lines, {"generate.prompts": ["b"]})


def test_a_table_comes_behind_the_one_that_it_is_in_and_comments_stay_with_what_follows():
    text = '[stage_a]\npreset = "cpu"\n\n# repaints the ear\n[stage_b]\n'
    new = with_values(text, {"stage_a.kohya.seed": 3, "stage_a.enabled": True})
    head = '[stage_a]\npreset = "cpu"\nenabled = true\n\n[stage_a.kohya]\nseed = 3\n'
    assert new == f"{head}\n# repaints the ear\n[stage_b]\n"


def test_a_sign_that_ends_lines_elsewhere_stays_in_its_value():
    text = '[captions]\ntemplate = "a\u2028b\x85"\n'
    assert with_values(text, {"crop.size": 64}) == f"{text}\n[crop]\nsize = 64\n"


@pytest.mark.parametrize(
    "text",
    ["[stage_a]\nkohya.seed = 1\n", "stage_a = { kohya = { seed = 1 } }\n", '["stage_a".kohya]\nseed = 1\n'],
)
def test_what_is_written_in_another_way_is_refused(text: str):
    with pytest.raises(ValueError, match=r"seed|kohya|stage_a"):
        with_values(text, {"stage_a.kohya.seed": 3})
