"""A trial's settings made the project's: in its own file, of which nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sweep.made_sweeps import Made, make_sweep
from wrapper.cli.main import run
from wrapper.project.load import load_project
from wrapper.sweep.planning.grids import parse_axis
from wrapper.sweep.planning.plan import Asked, keep, plan_sweep
from wrapper.sweep.sweep_file import read_sweep

DIM = "stage_b.kohya.network_dim"
TEXT = """# mine
[project]
name = "my face"

[stage_b]
preset = "cpu"   # small

[stage_b.kohya]  # any key of sd-scripts
network_dim = 4  # as a start
seed = 7
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One whose sweep is over: trial 002 is the best of three, and all have another size by --set."""
    folder = tmp_path / "мой 'проект' 📷"
    made = [Made({DIM: 4}, 1), Made({DIM: 8}, 3), Made({DIM: 16}, 2)]
    sweep = make_sweep(folder, made)
    trials = [{"id": one.id, "settings": dict(one.settings)} for one in sweep.trials]
    told = {"stages": sweep.stages, "keys": sweep.keys, "overrides": ["crop.size=64"], "trials": trials}
    (sweep.folder / "sweep.json").write_text(json.dumps({"name": sweep.name, **told}), encoding="utf-8")
    sweep.folder.rename(sweep.folder.with_name("dims"))
    (folder / "lorawrap.toml").write_text(TEXT, encoding="utf-8")
    return folder


class Adopt(NamedTuple):
    """`lorawrap sweep adopt dims`, and all that it said."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, project: Path, *more: str, code: int = 0) -> str:
        assert run(["sweep", "adopt", "dims", "--project", str(project), *more]) == code
        said = self.capsys.readouterr()
        return said.out + said.err


@pytest.fixture
def adopt(capsys: pytest.CaptureFixture[str]) -> Adopt:
    return Adopt(capsys)


def test_the_best_trials_settings_become_the_projects_and_nothing_else_changes(project: Path, adopt: Adopt):
    done = adopt(project)
    text = (project / "lorawrap.toml").read_text(encoding="utf-8")
    assert text == f"{TEXT.replace('network_dim = 4 ', 'network_dim = 8 ')}\n[crop]\nsize = 64\n"
    assert (project / "lorawrap.before-dims.toml").read_text(encoding="utf-8") == TEXT
    assert f"{DIM}: 4 → 8" in done
    assert "crop.size: not set → 64" in done
    assert "next: lorawrap run --project" in done
    assert "sweeps/dims/trials/002" in done


def test_twice_changes_nothing_more_and_another_trial_keeps_both_files(project: Path, adopt: Adopt):
    adopt(project)
    again = adopt(project)
    assert "It has them already: nothing was written." in again
    adopt(project, "--trial", "3")
    assert load_project(project).settings.stage_b.kohya["network_dim"] == 16
    assert sorted(path.name for path in project.glob("lorawrap.before*")) == [
        "lorawrap.before-dims-2.toml",
        "lorawrap.before-dims.toml",
    ]


def test_a_dry_run_shows_it_and_writes_nothing(project: Path, adopt: Adopt):
    before = sorted(project.rglob("*"))
    done = adopt(project, "--dry-run")
    assert f"{DIM}: 4 → 8" in done
    assert (project / "lorawrap.toml").read_text(encoding="utf-8") == TEXT
    new = [path for path in project.rglob("*") if path not in before and ".lorawrap" not in path.parts]
    assert new == []


def test_line_ends_and_a_link_stay_as_they_are(project: Path, adopt: Adopt):
    path, elsewhere = project / "lorawrap.toml", project.parent / "shared.toml"
    path.unlink()
    elsewhere.write_bytes(TEXT.replace("\n", "\r\n").encode())
    path.symlink_to(elsewhere)
    adopt(project)
    assert path.is_symlink()
    assert (
        elsewhere.read_bytes().count(b"\r\n") == elsewhere.read_bytes().count(b"\n") == TEXT.count("\n") + 3
    )


@pytest.mark.parametrize(
    ("text", "more", "said", "hint"),
    [
        ('[project]\nname = "my face"\n', ["--trial", "004"], "there is no trial 004", "Did you mean"),
        ("[stage_b]\nkohya.network_dim = 4\n", [], "lorawrap.toml: ", "[stage_b.kohya]\nnetwork_dim = 8"),
    ],
    ids=["no such trial", "written otherwise"],
)
def test_what_cannot_be_adopted_is_told(
    project: Path, adopt: Adopt, text: str, more: list[str], said: str, hint: str
):
    (project / "lorawrap.toml").write_text(text, encoding="utf-8")
    done = adopt(project, *more, code=2)
    assert said in done
    assert hint in done
    assert (project / "lorawrap.toml").read_text(encoding="utf-8") == text


def test_without_a_best_trial_one_is_asked_for(project: Path, adopt: Adopt):
    for record in project.glob("sweeps/dims/trials/*/trial.json"):
        record.unlink()
    done = adopt(project, code=2)
    assert "there is no best one" in done
    assert "--trial ID" in done


def test_what_stage_b_goes_on_with_is_no_setting_to_adopt(project: Path):
    opened = load_project(project)
    lora = opened.paths.lora("stage_a", "my face")
    lora.parent.mkdir()
    lora.write_bytes(b"first")
    planned = plan_sweep(opened, Asked("b", "stage_b", axes=[parse_axis("stage_b.kohya.seed=1,2")]))
    keep(planned)
    sweep = read_sweep(planned.sweep.folder).sweep
    assert sweep.settings_of(sweep.trials[1]) == {"stage_b.kohya.seed": 2}
