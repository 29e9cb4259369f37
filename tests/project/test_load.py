"""lorawrap.toml is strict, layered, and says where each value came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.project.load import load_project, parse_override
from wrapper.project.schema import ProjectFile


def write(folder: Path, text: str) -> Path:
    (folder / "lorawrap.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_empty_file_gives_the_defaults(tmp_path: Path):
    project = load_project(write(tmp_path, ""))
    assert project.settings == ProjectFile()
    assert project.origin("crop.size") == "default"


def test_overrides_beat_the_file_and_every_value_knows_its_origin(tmp_path: Path):
    write(tmp_path, "[crop]\nsize = 768\ncontext = 2.5\n[stage_a.kohya]\nnetwork_dim = 8\n")
    project = load_project(tmp_path, ["crop.size=1024", "stage_a.kohya.learning_rate=5e-5"])
    assert project.settings.crop.size == 1024
    assert project.settings.stage_a.kohya == {"network_dim": 8, "learning_rate": 5e-5}
    assert project.origin("crop.size") == "--set"
    assert project.origin("crop.context") == "lorawrap.toml"
    assert project.origin("stage_a.kohya.learning_rate") == "--set"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("balance.by=view,age", """'balance.by=["view", "age"]'"""),
        ("balance.by=[view]", """'balance.by=["view"]'"""),  # the shell has taken the quotes away
        ("evaluate.seeds=1,2", "'evaluate.seeds=[1, 2]'"),
        ("generate.prompts=" + 200 * "a", "'generate.prompts=[…]'"),
        ("balance.by=1,a", "'balance.by=[…]'"),
    ],
)
def test_a_list_that_is_none_is_written_as_one(tmp_path: Path, given: str, written: str):
    with pytest.raises(UserError, match="valid list") as caught:
        load_project(write(tmp_path, ""), [given])
    assert caught.value.hint.endswith(f"in quotes: {written}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[crop]\nsiez = 512\n", ["crop.siez", "unknown key", "'size'"]),
        ("[croop]\nsize = 512\n", ["croop", "'crop'"]),
        ('[crop]\nsize = "512"\n', ["crop.size", "valid integer", "'512'"]),
        ("[crop]\nsize = 500\n", ["crop.size", "multiple of 64"]),
        ("[crop]\nsize = true\n", ["crop.size", "valid integer"]),
        ('[project]\nname = "a:b"\n', ["project.name"]),
        ('[project]\nname = "a\\nb"\n', ["project.name"]),
        (f'[project]\nname = "{"я" * 61}"\n', ["project.name", "60 characters"]),
        (f'[project]\nname = "{"🙂" * 60}"\n', ["project.name", "150 bytes"]),
        ('[project]\nname = "NUL"\n', ["project.name", "device"]),
        ('[project]\nname = "a."\n', ["project.name", "dot at the end"]),
        ("[generate]\nseeds = [1, -1]\n", ["generate.seeds.1", "greater than or equal to 0"]),
        ("[evaluate]\nseeds = [4294967296]\n", ["evaluate.seeds.0", "4294967296"]),
        ("[inpaint]\nlora_weight = nan\n", ["inpaint.lora_weight", "finite"]),
        ("[qc.thresholds]\nblur_px_reject = inf\n", ["qc.thresholds.blur_px_reject", "finite"]),
        ('[project]\nengine = "kohya"\n', ["project.engine", "'embedded'"]),
        ("[crop\nsize = 512\n", ["not valid TOML", "line 1"]),
    ],
    ids=[
        "key",
        "table",
        "type",
        "range",
        "bool",
        "name",
        "line",
        "long",
        "bytes",
        "device",
        "dot",
        "seed",
        "big",
        "nan",
        "inf",
        "choice",
        "syntax",
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: list[str]):
    with pytest.raises(UserError) as caught:
        load_project(write(tmp_path, text))
    said = f"{caught.value} {caught.value.hint}"
    assert [word for word in words if word not in said] == []


def test_all_faults_come_in_one_go(tmp_path: Path):
    with pytest.raises(UserError, match="3 problems") as caught:
        load_project(write(tmp_path, "[crop]\nsiez = 1\ncontext = 0\n[nope]\n"))
    assert str(caught.value).count("\n") == 3


def test_no_project_file_says_what_to_do(tmp_path: Path):
    with pytest.raises(UserError) as caught:
        load_project(tmp_path / "Фото 'ears' 👂")
    assert "lorawrap init" in caught.value.hint


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path):
    (tmp_path / "lorawrap.toml").write_bytes("[project]\nname = 'ё'".encode("cp1251"))
    with pytest.raises(UserError, match="not UTF-8"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1", 1),
        ("a.b=1e-4", 1e-4),
        ("a.b=true", True),
        ("a.b=x y", "x y"),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b=", ""),
    ],
)
def test_an_override_is_a_toml_value_or_a_string(text: str, value: object):
    assert parse_override(text) == ("a.b", value)


@pytest.mark.parametrize("text", ["novalue", "=3"])
def test_an_override_without_key_or_value_is_refused(text: str):
    with pytest.raises(UserError, match="KEY=VALUE"):
        parse_override(text)
