"""``lorawrap init --from``: a project out of another program's files, which stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset_tools.manifests.manifest import read_manifest
from tests.kohya.imports.places import make_folders, make_masks
from tests.kohya.projects import make_image
from wrapper.cli.main import run
from wrapper.project.load import load_project

ROWS = ["--subject", "Анна", "--consent", "paper 2026-11", "--age", "26-30"]
TRAIN = """
pretrained_model_name_or_path = "base.safetensors"
train_data_dir = "img"
reg_data_dir = "reg"
caption_extension = ".txt"
output_name = "face"
resolution = "512,512"
network_module = "networks.lora"
network_dim = 16
learning_rate = 1e-4
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = make_folders(tmp_path / "чужое \"p\" 'q' 🙂")
    (root / "train.toml").write_text(TRAIN, encoding="utf-8")
    return root / "train.toml"


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_settings_photographs_and_captions_are_taken_over(tmp_path: Path, source: Path, capsys):
    before = contents(source.parent)
    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 0
    assert contents(source.parent) == before
    project = load_project(tmp_path / "new")
    settings = project.settings
    assert settings.project.name == "face"
    assert settings.stage_a.preset == "kohya"
    assert settings.stage_a.kohya == {
        "network_module": "networks.lora",
        "network_dim": 16,
        "learning_rate": 1e-4,
    }
    assert not settings.stage_b.enabled
    assert (settings.captions.trigger, settings.captions.class_word) == ("ohwx", "woman")
    assert settings.balance.shares == {"10_ohwx woman": 40.0, "3_ohwx woman": 6.0}
    assert settings.balance.epoch_images == 46
    assert Path(settings.regularisation.folder) == source.parent / "reg/1_woman"
    rows = read_manifest(project.path(settings.manifest.path), settings.manifest.defaults).rows
    assert len(rows) == 6
    captions = {path.name: path.read_text(encoding="utf-8") for path in project.paths.root.rglob("*.txt")}
    assert captions["фото 1.txt"] == "ohwx woman, number 1\n"
    assert captions["0.txt"] == "ohwx woman\n"
    shown = capsys.readouterr().out
    assert "no repeats in its name: sd-scripts ignores it" in shown
    assert "next: lorawrap qc" in shown


def test_the_repeats_come_out_as_they_were(tmp_path: Path, source: Path):
    from dataset_tools.building.balance import balance

    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 0
    asked = load_project(tmp_path / "new").settings.balance
    found = balance(
        {"10_ohwx woman": 4, "3_ohwx woman": 2}, asked.shares, asked.max_repeats, asked.epoch_images
    )
    assert found.repeats == {"10_ohwx woman": 10, "3_ohwx woman": 3}


def test_consent_is_never_made_up(tmp_path: Path, source: Path, capsys):
    assert run(["init", str(tmp_path / "new"), "--from", str(source)]) == 0
    assert "fill in subject, consent, age in lorawrap.toml" in capsys.readouterr().out
    assert run(["qc", "--project", str(tmp_path / "new")]) == 2
    assert "no consent record" in capsys.readouterr().err


def test_a_dry_run_writes_nothing(tmp_path: Path, source: Path, capsys):
    assert run(["init", str(tmp_path / "new"), "--from", str(source), "--dry-run"]) == 0
    assert "[stage_a.kohya] network_dim" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


def test_masks_make_it_stage_b(tmp_path: Path, source: Path, capsys):
    make_masks(source.parent)
    dataset = source.with_name("data.toml")
    dataset.write_text(
        "[[datasets]]\nresolution = 512\n[[datasets.subsets]]\nimage_dir = 'img/10_ohwx woman'\n"
        "conditioning_data_dir = 'masks'\ncaption_extension = '.txt'\n",
        encoding="utf-8",
    )
    argv = ["init", str(tmp_path / "new"), "--from", str(dataset), "--preset", "16gb", *ROWS]
    assert run(argv) == 0
    settings = load_project(tmp_path / "new").settings
    assert settings.stage_b.enabled
    assert not settings.stage_a.enabled
    assert settings.stage_b.preset == "16gb"
    rows = read_manifest(tmp_path / "new" / "manifest.jsonl", settings.manifest.defaults).rows
    assert [row.mask for row in rows] == [f"masks/10_ohwx woman/фото {number}.png" for number in range(4)]
    assert "Stage B trains on a base with nine channels" in capsys.readouterr().out


def test_a_dataset_file_beside_the_training_file_is_found(tmp_path: Path, source: Path):
    source.write_text("network_dim = 4\n", encoding="utf-8")
    data = "[[datasets]]\nbatch_size = 2\n[[datasets.subsets]]\nimage_dir = 'img/10_ohwx woman'\n"
    source.with_name("data.toml").write_text(data, encoding="utf-8")
    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 0
    kohya = load_project(tmp_path / "new").settings.stage_a.kohya
    assert (kohya["network_dim"], kohya["batch_size"]) == (4, 2)
    source.with_name("other.toml").write_text(data, encoding="utf-8")
    assert run(["init", str(tmp_path / "two"), "--from", str(source), *ROWS]) == 2
    chosen = ["--dataset-config", str(source.with_name("other.toml"))]
    assert run(["init", str(tmp_path / "two"), "--from", str(source), *chosen, *ROWS]) == 0


def test_captions_that_nobody_read_are_read_and_told(tmp_path: Path, source: Path, capsys):
    source.write_text(TRAIN.replace('caption_extension = ".txt"\n', ""), encoding="utf-8")
    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 0
    assert "sd-scripts read none of them: caption_extension is '.caption'" in capsys.readouterr().out
    caption = tmp_path / "new" / "photos" / "10_ohwx woman" / "фото 1.txt"
    assert caption.read_text(encoding="utf-8") == "ohwx woman, number 1\n"


def test_captions_that_somebody_left_out_stay_out(tmp_path: Path, source: Path):
    source.write_text(TRAIN.replace(".txt", ".none"), encoding="utf-8")
    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 0
    caption = tmp_path / "new" / "photos" / "10_ohwx woman" / "фото 1.txt"
    assert caption.read_text(encoding="utf-8") == "ohwx woman\n"


def test_other_photographs_can_be_named(tmp_path: Path, source: Path, capsys):
    make_image(tmp_path / "photos" / "a.png")
    argv = ["init", str(tmp_path / "new"), "--from", str(source), "--photos", str(tmp_path / "photos"), *ROWS]
    assert run([*argv, "--name", "mine", "--trigger", "zorn"]) == 0
    settings = load_project(tmp_path / "new").settings
    assert Path(settings.manifest.path) == tmp_path / "photos"
    assert (settings.project.name, settings.captions.trigger) == ("mine", "zorn")
    assert not (tmp_path / "new" / "photos").exists()
    assert "--photos names others" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.toml", None, "there is no such file"),
        ("broken.toml", "a = ", "not valid TOML"),
        ("broken.json", "{", "not JSON"),
        ("list.json", "[]", "holds no settings"),
        ("other.json", json.dumps({"a": 1}), "is no LoRA preset of kohya_ss"),
        ("empty.toml", "network_dim = 4\n", "names no photographs that are here"),
        ("windows.toml", "train_data_dir = 'D:\\images'\n", "D:\\images: there is no such folder here"),
        ("bad.toml", "datasets = 3\n", "is no dataset file"),
        ("bad.json", json.dumps({"datasets": [{"subsets": [3]}]}), "is no dataset file"),
        (
            "zero.toml",
            "[[datasets]]\n[[datasets.subsets]]\nimage_dir = '.'\nnum_repeats = 0",
            "num_repeats 0: sd-scripts ignores",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_one_sentence(tmp_path: Path, capsys, name: str, text, said: str):
    (tmp_path / "in").mkdir()
    if text is not None:
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    assert run(["init", str(tmp_path / "new"), "--from", str(tmp_path / "in" / name), *ROWS]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "new").exists()


def test_folders_beside_a_dataset_file_are_told(tmp_path: Path, source: Path, capsys):
    source.write_text(f'{TRAIN}\ndataset_config = "data.toml"\n', encoding="utf-8")
    data = "[[datasets]]\n[[datasets.subsets]]\nimage_dir = 'img/3_ohwx woman'\nclass_tokens = 'ohwx woman'\n"
    source.with_name("data.toml").write_text(data, encoding="utf-8")
    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 0
    assert capsys.readouterr().out.count("sd-scripts ignores it beside a dataset file") == 2
    assert len(list((tmp_path / "new" / "photos").rglob("*.jpg"))) == 2


def test_nothing_of_the_users_is_overwritten(tmp_path: Path, source: Path, capsys):
    make_image(tmp_path / "new" / "photos" / "mine.png")
    assert run(["init", str(tmp_path / "new"), "--from", str(source), *ROWS]) == 2
    assert "is there already" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "new").rglob("*")) == ["mine.png", "photos"]


@pytest.mark.parametrize("gone", ["lorawrap.toml", "lorawrap.toml manifest.jsonl"])
def test_what_was_cut_off_goes_on(tmp_path: Path, source: Path, gone: str):
    argv = ["init", str(tmp_path / "new"), "--from", str(source), *ROWS]
    assert run(argv) == 0
    whole = contents(tmp_path / "new")
    for name in gone.split():
        (tmp_path / "new" / name).unlink()
    assert run(argv) == 0
    assert contents(tmp_path / "new") == whole


def test_a_photograph_of_what_was_cut_off_that_was_changed_since_stays(tmp_path: Path, source: Path, capsys):
    argv = ["init", str(tmp_path / "new"), "--from", str(source), *ROWS]
    assert run(argv) == 0
    (tmp_path / "new" / "lorawrap.toml").unlink()
    caption = next((tmp_path / "new" / "photos").rglob("*.txt"))
    caption.write_text("ohwx woman, mended by hand", encoding="utf-8")
    assert run(argv) == 2
    assert "is there already" in capsys.readouterr().err
    assert caption.read_text(encoding="utf-8") == "ohwx woman, mended by hand"


def test_a_dry_run_refuses_what_the_run_would(tmp_path: Path, source: Path, capsys):
    argv = ["init", str(tmp_path / "new"), "--from", str(source), "--dry-run", "--name", "a/b"]
    assert run(argv) == 2
    assert "--name [project.name]" in capsys.readouterr().err


def test_options_of_from_alone_are_a_usage_error(tmp_path: Path, source: Path, capsys):
    assert run(["init", str(tmp_path / "new"), "--photos", str(source.parent), "--dry-run"]) == 2
    assert "go with --from" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_neither_photographs_nor_a_file_is_a_usage_error(tmp_path: Path, capsys):
    assert run(["init", str(tmp_path)]) == 2
    assert "--photos" in capsys.readouterr().err
