"""What a grid's text stands for, what a list's rows are, and which trials both make."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.sweep.planning.combining import combine
from wrapper.sweep.planning.grids import Axis, parse_axis
from wrapper.sweep.planning.lists import Row, read_rows

RATE, RANK = "stage_a.kohya.learning_rate", "stage_a.kohya.network_dim"


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("1e-5,5e-5, 1e-4", [1e-5, 5e-5, 1e-4]),
        ("8", [8]),
        ("true,false", [True, False]),
        ("AdamW,Lion", ["AdamW", "Lion"]),
        ('"a, \\"b\\", c","d=e"', ['a, "b", c', "d=e"]),
        ("'ухо 🙂, it\\',it's", ["ухо 🙂, it\\", "it's"]),
        ('[],["view"],["view", "age"]', [[], ["view"], ["view", "age"]]),
        ('{ "ear 1" = 2, b = 3 },{}', [{"ear 1": 2, "b": 3}, {}]),
        ("4..64*2", [4, 8, 16, 32, 64]),
        ("1..10+4", [1, 5, 9]),
        ("0.1..0.3+0.1", [0.1, 0.2, 0.3]),
        ("1e-5..1e-3*10,0.5", [1e-5, 1e-4, 1e-3, 0.5]),
        ("-2..0+1", [-2, -1, 0]),
        ("a..b", ["a..b"]),
    ],
    ids=str,
)
def test_values_of_an_axis(written: str, values: list[object]):
    axis = parse_axis(f" some.key ={written}")
    assert axis.keys == ("some.key",)
    assert list(axis.values) == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


def test_two_settings_may_have_one_value():
    trials = combine([], [parse_axis("a.x+b.y=1,2"), parse_axis("c.z=3")]).trials
    assert trials == [{"a.x": 1, "b.y": 1, "c.z": 3}, {"a.x": 2, "b.y": 2, "c.z": 3}]


@pytest.mark.parametrize(
    "text", ["", "key", "=1", "key=", "key=1,,2", "a+=1", "k=1..0+1", "k=1..5*1", "k=0..5*2", "k=1..5+0"]
)
def test_what_is_no_axis_is_told_with_an_example(text: str):
    with pytest.raises(UserError) as refused:
        parse_axis(text)
    assert "--grid" in refused.value.message
    assert "For example" in refused.value.hint


@pytest.mark.parametrize("written", ["4..64", "4..64-2", "4...64", "0.1..0.3/3", "4..64*"])
def test_a_range_without_its_step_is_no_text(written: str):
    with pytest.raises(UserError, match="a range says how it goes on"):
        parse_axis(f"stage_a.kohya.network_dim={written}")
    assert parse_axis(f"captions.template='{written}'").values == (written,)


def test_a_range_has_an_end():
    with pytest.raises(UserError, match="1001 values; there can be 1000"):
        parse_axis("key=1..1000000000+1")


LISTS = {
    "trials.csv": f"{RATE},{RANK},captions.template\n1e-4,8,\n5e-5,,\"{{trigger}}, 'ухо' 🙂\"\n\n",
    "trials.jsonl": f'{{"{RATE}": 0.0001, "{RANK}": 8}}\n'
    f'{{"{RATE}": 5e-5, "captions": {{"template": "{{trigger}}, \'ухо\' 🙂"}}}}\n',
    "trials.json": f'[{{"stage_a": {{"kohya": {{"learning_rate": 1e-4, "network_dim": 8}}}}}}, '
    f'{{"{RATE}": 5e-5, "captions.template": "{{trigger}}, \'ухо\' 🙂"}}]',
    "trials.toml": "[[trial]]\nstage_a.kohya.learning_rate = 1e-4\nstage_a.kohya.network_dim = 8\n"
    f'[[trial]]\n"{RATE}" = 5e-5\ncaptions = {{ template = "{{trigger}}, \'ухо\' 🙂" }}\n',
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("head", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_rows_of_every_kind_of_list(tmp_path: Path, name: str, head: str):
    path = tmp_path / f"список {name}"
    path.write_text(head + LISTS[name], encoding="utf-8", newline="")
    first, second = read_rows(path)
    assert first.settings == {RATE: 1e-4, RANK: 8}
    assert second.settings == {RATE: 5e-5, "captions.template": "{trigger}, 'ухо' 🙂"}
    assert first.place.startswith(path.name)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "x", "is no list of trials"),
        ("a.json", "{}", "it is no list"),
        ("a.json", "[1, {}]", "names no settings"),
        ("a.json", "[" * 5000, "cannot be read"),
        ("a.jsonl", '{"a": 1}\nnonsense', "cannot be read"),
        ("a.toml", "trial = 3", "it is no list"),
        ("a.toml", "[[trials]]\na = 1", "has no trials"),
        ("a.csv", "a,b\n1,2,3\n", "3 cells under 2 keys"),
        ("a.csv", 'a,b\n"1,2\n', "cannot be read"),
        ("a.csv", "", "has no trials"),
    ],
    ids=str,
)
def test_a_list_that_is_none_is_told(tmp_path: Path, name: str, text: str, said: str):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read_rows(tmp_path / name)


def test_a_spreadsheet_may_put_semicolons_between_cells(tmp_path: Path):
    path = tmp_path / "из Excel.csv"
    path.write_text("\ufeff" + f"{RATE};{RANK}\r\n1e-4;8\r\n;4\r\n;\r\n", encoding="utf-8", newline="")
    assert [dict(row.settings) for row in read_rows(path)] == [{RATE: 1e-4, RANK: 8}, {RANK: 4}]


def test_a_list_that_is_not_there(tmp_path: Path):
    with pytest.raises(UserError, match="there is no such file"):
        read_rows(tmp_path / "нет.csv")


def test_rows_and_axes_make_every_combination_once():
    rows = [Row("line 2", {"a.x": 1}), Row("line 3", {"a.x": 2}), Row("line 4", {"a.x": 1})]
    found = combine(rows, [Axis(("b.y",), (3, 4))])
    assert found.trials == [{"a.x": a, "b.y": b} for a in (1, 2) for b in (3, 4)]
    assert (found.all, found.equal) == (6, 2)


def test_a_draw_from_a_grid_that_is_too_large_is_the_same_again():
    axes = [Axis((f"a.k{number}",), tuple(range(100))) for number in range(6)]
    with pytest.raises(UserError, match="there can be 10000 at most") as refused:
        combine([], axes)
    assert "--max" in refused.value.hint
    drawn = combine([], axes, most=20, seed=3).trials
    assert len(drawn) == 20
    assert drawn == combine([], axes, most=20, seed=3).trials
    assert drawn != combine([], axes, most=20, seed=4).trials


def test_a_setting_that_is_given_twice_is_refused():
    for rows, axes in (
        ([], [Axis(("a.x",), (1,)), Axis(("a.x",), (2,))]),
        ([Row("line 2", {"a.x": 1})], [Axis(("a.x",), (2,))]),
    ):
        with pytest.raises(UserError, match=r"--grid a\.x: is given twice"):
            combine(rows, axes)
