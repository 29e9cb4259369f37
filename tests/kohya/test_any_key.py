"""Every key of Kohya's, set alone in lorawrap.toml, lands in the right file and section with its value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import toml
import tomllib

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from tests.kohya.projects import make_base, make_project
from tests.kohya.real_parser import ask
from wrapper.base_model.detect import BaseInfo, detect
from wrapper.kohya.layers import OWNED, PATHS, SECRETS
from wrapper.kohya.options import dataset_names, known_options, upstream_dataset_fault, upstream_options
from wrapper.kohya.render import Rendered, render
from wrapper.places import shipped
from wrapper.project.load import Project, load_project

SCRIPTS = ("train_network", "sdxl_train_network")
VALUES: dict[str, Any] = {
    "str": "ты 'q' 🙂",
    "int": 7,
    "float": 0.5,
    "bool": True,
    "strs": ["a=1", "b=(2, 3)"],
}
VALUES |= {"floats": [0.25, 0.5], "size": 128}
DATASET_VALUES: tuple[Any, ...] = (True, 7, 0.5, "two words", [0.25, 0.5], {"a": "b"})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("any key"))
    text = made.paths.file.read_text(encoding="utf-8").split("[stage_a]")[0]
    made.paths.file.write_text(f'{text}[stage_a]\npreset = "kohya"\n', encoding="utf-8")
    return load_project(made.paths.root)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BaseInfo]:
    root = tmp_path_factory.mktemp("bases")
    return {
        "train_network": detect(make_base(root / "sd", 4)),
        "sdxl_train_network": detect(make_base(root / "xl", 4, "StableDiffusionXLPipeline")),
    }


def settable(script: str) -> list[str]:
    return sorted({*known_options(script), *dataset_names("general")} - set(OWNED) - set(SECRETS))


def value_for(script: str, key: str) -> Any:
    if key in dataset_names("general"):
        table = "subsets" if key in dataset_names("subsets") else "datasets"
        return next(value for value in DATASET_VALUES if not upstream_dataset_fault(table, key, value, False))
    option = known_options(script)[key]
    return option.choices[-1] if option.choices else VALUES[option.type]


def rendered(project: Project, base: BaseInfo, key: str, value: Any) -> Rendered:
    stage = project.settings.stage_a.model_copy(update={"kohya": {key: value}})
    settings = project.settings.model_copy(update={"stage_a": stage})
    return render("stage_a", settings, project.paths, read_dataset(project.paths.dataset), base)


def place(data: dict[str, Any], key: str) -> tuple[str, Any]:
    """(table, value) of the one place where ``key`` stands."""
    tables = [(name, table) for name, table in data.items() if isinstance(table, dict)]
    tables += [("datasets", dataset) for dataset in data.get("datasets", ())]
    found = [(name, table[key]) for name, table in tables if key in table]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_key_lands_where_it_belongs(project: Project, bases, script: str):
    sections = tomllib.loads((shipped("templates") / "kohya" / "sections.toml").read_text(encoding="utf-8"))
    for key in settable(script):
        value = value_for(script, key)
        made = rendered(project, bases[script], key, value)
        in_dataset = key in dataset_names("general")
        text, other = made.train_toml, made.dataset_toml
        if in_dataset:
            text, other = other, text
        for loads in (tomllib.loads, toml.loads):
            table, found = place(loads(text), key)
            wanted = str(project.paths.root / value) if key in PATHS and isinstance(value, str) else value
            if key in PATHS and isinstance(value, list):
                wanted = [str(project.paths.root / item) for item in value]
            assert found == wanted, key
            assert type(found) is type(wanted) or in_dataset, key
            if in_dataset:
                assert table == ("general" if key in dataset_names("subsets") else "datasets"), key
            else:
                assert key in sections[table] or (table, sections[table]) == ("training_arguments", []), key
        assert f"{key} = " not in other
        assert made.origins[key] == "lorawrap.toml"


@pytest.mark.parametrize("script", SCRIPTS)
def test_keys_that_the_project_decides_are_refused_with_the_place_that_does(project: Project, bases, script):
    for key in OWNED:
        with pytest.raises(UserError, match=f"'{key}' is not set here: "):
            rendered(project, bases[script], key, "x")


def test_every_section_names_options_that_exist_and_each_once():
    sections = tomllib.loads((shipped("templates") / "kohya" / "sections.toml").read_text(encoding="utf-8"))
    listed = [key for keys in sections.values() for key in keys]
    known = {key for script in (*SCRIPTS, "train_network_inpaint") for key in known_options(script)}
    assert len(listed) == len(set(listed))
    assert set(listed) <= known


@pytest.mark.sd_scripts
@pytest.mark.parametrize("script", SCRIPTS)
def test_sd_scripts_reads_every_key_as_it_was_set(project: Project, bases, tmp_path: Path, script: str):
    if not os.environ.get("LORAWRAP_SD_SCRIPTS") or not os.environ.get("LORAWRAP_SD_SCRIPTS_PYTHON"):
        pytest.skip("LORAWRAP_SD_SCRIPTS and LORAWRAP_SD_SCRIPTS_PYTHON do not name sd-scripts")
    keys = [key for key in settable(script) if key in {*upstream_options(script), *dataset_names("general")}]
    files = []
    for key in keys:
        made = rendered(project, bases[script], key, value_for(script, key))
        in_dataset = key in dataset_names("general")
        path = tmp_path / f"{key}.toml"
        path.write_text(made.dataset_toml if in_dataset else made.train_toml, encoding="utf-8")
        files.append(("dataset" if in_dataset else script, path))
    for key, (kind, path), answer in zip(keys, files, ask(files), strict=True):
        wanted = place(tomllib.loads(path.read_text(encoding="utf-8")), key)[1]
        if kind == "dataset":
            table = "general" if key in dataset_names("subsets") else "datasets"
            found = answer[table][0][key] if table == "datasets" else answer[table][key]
            assert found in (wanted, [wanted, wanted]), key
        else:
            assert answer[key] == wanted, key
