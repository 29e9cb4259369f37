"""`lorawrap export` on a file and on a project, from the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from dataset_tools.files import write_json
from tests.export.loras import plain_layers, save, tensors
from tests.report.projects import head, make_project
from wrapper.base_model.detect import detect
from wrapper.cli.main import run
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.export.proofs.base import base_layers
from wrapper.lora.hashes import autov2, autov3, model_hash
from wrapper.lora.names import is_target
from wrapper.project.load import Project, load_project
from wrapper.project.lock import held

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TinyBase = Callable[..., Path]


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("in") / "my ear.safetensors", tensors(plain_layers("sd15")))


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_file_goes_into_the_programs_own_folder_and_the_proofs_are_told(lora: Path, tmp_path: Path, capsys):
    picture = head(tmp_path / "pic.png", 1)
    ui = tmp_path / "web ui"
    argv = [
        "export",
        str(lora),
        "--to",
        "a1111",
        "--dest",
        str(ui),
        "--trigger",
        "an ear",
        "--preview",
        str(picture),
    ]
    assert run(argv) == 0
    assert files(ui) == [f"models/Lora/my ear.{end}" for end in ("json", "png", "safetensors")]
    told = capsys.readouterr().out
    assert "every key has its layer" in told
    assert "264 modules" in told
    assert told.splitlines()[-1] == "next: write <lora:my ear:1> an ear in A1111's prompt"


def test_a_base_that_has_to_be_unpacked_does_not_land_in_the_programs_folder(
    lora: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("LORAWRAP_CACHE_DIR", str(tmp_path / "cache"))
    ui = tmp_path / "ui"
    assert run(["export", str(lora), "--to", "a1111", "--dest", str(ui), "--base", "demo"]) != 0
    assert not ui.exists()
    assert (tmp_path / "cache").is_dir()


def test_several_programs_get_a_folder_each(lora: Path, tmp_path: Path):
    assert run(["export", str(lora), "--to", "comfyui", "--to", "a1111", "--dest", str(tmp_path)]) == 0
    assert {name.split("/")[0] for name in files(tmp_path)} == {"a1111", "comfyui"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--to", "a1111"], "No place to export to."),
        (["--dest", "{tmp}/ui"], "No target to export to."),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--name", "a:b"], "does not work in A1111 and ComfyUI"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--preview", "{tmp}/no.png"], "there is no such picture"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--base", "{tmp}/no"], "there is no such base model"),
        (["--to", "kohya", "--dest", "{tmp}/ui"], "'kohya' is not one of"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--weight", "nan"], "--weight nan: is no weight"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--weight", "0"], "--weight 0.0: is no weight"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--trigger", "a\udcff"], "has half characters in it"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--checkpoint", "last"], "--checkpoint goes without FILE"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--set", "export.weight=2"], "--set goes without FILE"),
        (["--to", "a1111", "--dest", "{tmp}/ui", "--subfolder", "../x"], "is not a folder below"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(
    argv: list[str], said: str, lora: Path, tmp_path: Path, capsys
):
    assert run(["export", str(lora), *(word.replace("{tmp}", str(tmp_path)) for word in argv)]) == 2
    assert said in capsys.readouterr().err
    assert files(tmp_path) == []


def test_a_dry_run_names_every_file_and_what_stands_against_it_and_writes_nothing(
    lora: Path, tmp_path: Path, capsys
):
    argv = ["export", str(lora), "--to", "forge", "--dest", str(tmp_path / "ui"), "--dry-run"]
    assert run(argv) == 0
    told = capsys.readouterr().out
    for end in ("safetensors", "json", "png"):
        assert f": {tmp_path}/ui/models/Lora/my ear.{end}" in told
    assert "next: the same command without --dry-run" in told
    assert files(tmp_path) == []
    assert run(argv[:-1]) == 0
    assert run(argv) == 2
    shown = capsys.readouterr()
    assert shown.out.count("would write") == 3
    assert shown.err.startswith("This would be refused:")
    assert shown.err.count("is already there") == 3
    assert run([*argv, "--force"]) == 0


def test_each_program_can_have_its_own_folder(lora: Path, tmp_path: Path, capsys):
    folders = [tmp_path / "webui", tmp_path / "sub" / "ComfyUI"]
    argv = ["export", str(lora), "--to", "a1111", "--dest", str(folders[0])]
    assert run([*argv, "--to", "comfyui", "--dest", str(folders[1])]) == 0
    assert (folders[1] / "models" / "loras" / "my ear.safetensors").is_file()
    assert run([*argv, "--to", "comfyui", "--to", "forge", "--dest", str(folders[1])]) == 2
    assert "3 targets and 2 folders do not go together" in capsys.readouterr().err
    (folders[0] / "webui.py").touch()
    assert run([*argv, "--to", "comfyui", "--name", "x"]) == 2
    assert "is the folder of AUTOMATIC1111 alone" in capsys.readouterr().err


def test_a_users_words_go_into_the_side_car_and_the_workflow(lora: Path, tmp_path: Path):
    words = {"trigger": "an «ухо»", "description": "d", "weight": "0.65", "negative": "wax", "notes": "n"}
    argv = [word for key, value in words.items() for word in (f"--{key}", value)]
    assert run(["export", str(lora), "--to", "folder", "--dest", str(tmp_path / "f"), *argv]) == 0
    card = json.loads((tmp_path / "f" / "my ear.json").read_text(encoding="utf-8"))
    assert card == {
        "description": "d",
        "sd version": "SD1",
        "activation text": "an «ухо»",
        "preferred weight": 0.65,
        "negative text": "wax",
        "notes": "n",
    }
    with Image.open(tmp_path / "f" / "my ear.png") as preview:
        graph = json.loads(preview.text["prompt"])
    assert graph["2"]["inputs"]["strength_model"] == 0.65
    assert [graph[node]["inputs"]["text"] for node in ("3", "4")] == ["an «ухо»", "wax"]


def test_words_that_ask_for_a_child_are_refused(lora: Path, tmp_path: Path, capsys):
    argv = ["export", str(lora), "--to", "comfyui", "--dest", str(tmp_path / "c")]
    assert run([*argv, "--trigger", "portrait of a 12 year old girl"]) == 2
    assert "under 18" in capsys.readouterr().err
    assert files(tmp_path) == []


def test_hashes_are_shown_as_other_programs_compute_them(lora: Path, tmp_path: Path, capsys):
    assert run(["export", str(lora), "--to", "folder", "--dest", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    path = tmp_path / "my ear.safetensors"
    assert f"AutoV2 {autov2(path)}, AutoV3 {autov3(path)}" in told
    assert f"sshs_model_hash {model_hash(path)[:16]}" in told


def test_what_was_not_drawn_is_said(lora: Path, tmp_path: Path, capsys):
    assert run(["export", str(lora), "--to", "folder", "--dest", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "Not proved: that " in told
    assert "✓ changes the picture" not in told


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 100])
def test_what_is_no_lora_is_refused(content: bytes | None, tmp_path: Path, capsys):
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    assert run(["export", str(path), "--to", "a1111", "--dest", str(tmp_path / "ui")]) == 2
    assert "x.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "ui").exists()


def test_a_second_export_needs_force(lora: Path, tmp_path: Path, capsys):
    argv = ["export", str(lora), "--to", "a1111", "--dest", str(tmp_path)]
    assert run(argv) == 0
    assert "lora edit" not in capsys.readouterr().out
    assert run(argv) == 2
    assert "is already there" in capsys.readouterr().err
    assert run([*argv, "--force"]) == 0


def test_an_empty_place_is_not_the_current_folder(lora: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["export", str(lora), "--to", "a1111", "--dest", ""]) == 2
    assert "--dest is empty" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_told_of_the_place_not_of_the_staged_file(
    lora: Path, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    assert run(["export", str(lora), "--to", "folder", "--dest", str(tmp_path / "ui")]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'ui' / 'my ear.safetensors'}: needs" in said
    assert "its disk has 0.00 GB free" in said
    assert ".part" not in said
    assert list(tmp_path.iterdir()) == []


def test_what_its_metadata_still_tell_is_said(tmp_path: Path, capsys):
    told = {"ss_dataset_dirs": '{"10_anna": {"n_repeats": 10}}'}
    source = save(tmp_path / "x.safetensors", tensors(dict(list(plain_layers("sd15").items())[:2])), told)
    assert run(["export", str(source), "--to", "folder", "--dest", str(tmp_path / "out")]) == 0
    command = f"lorawrap lora edit {tmp_path / 'out' / 'x.safetensors'} --strip paths"
    assert command in capsys.readouterr().out


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_base: TinyBase) -> Project:
    """A project whose LoRAs fit the tiny random bases that it names."""
    bases = {"stage_a": tiny_base("sd15"), "stage_b": tiny_base("sd15", inpaint=True)}
    made = make_project(tmp_path_factory.mktemp("work") / "проект 'x'")
    text = (
        '[project]\nname = "myface"\n[captions]\ntrigger = "myface"\nclass_word = "person"\n'
        f'[base]\nmodel = "{bases["stage_a"].as_posix()}"\ninpaint_model = "{bases["stage_b"].as_posix()}"\n'
        '[generate]\nprompts = ["photo of a myface person"]\nnegative = "extra ears"\n'
    )
    made.paths.file.write_text(text, encoding="utf-8")
    for stage, base in bases.items():
        every = base_layers(open_pipeline(detect(base), "inpaint"))
        layers = {n: layer for n, layer in every.items() if is_target(layer.component, layer.path)}
        save(made.paths.lora(stage, "myface"), tensors(layers, rank=4))
    return load_project(made.paths.root)


def test_a_project_delivers_both_stages_for_both_programs_again_and_again(project: Project, capsys):
    mine = project.paths.export / "a1111" / "models" / "Lora" / "myface_stage_a.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("of an earlier export")
    assert run(["export", "--project", str(project.paths.root)]) == 0
    assert capsys.readouterr().out.count("changes the picture of its base") == 2
    record = json.loads((project.paths.export / "export.json").read_text(encoding="utf-8"))
    assert [(lora["name"], lora["uses"]) for lora in record["loras"]] == [
        ("myface_stage_a", ["txt2img"]),
        ("myface_stage_b", ["inpaint"]),
    ]
    named = [file["path"] for lora in record["loras"] for file in lora["files"]]
    assert sorted([*named, "export.json"]) == files(project.paths.export)
    assert "comfyui/input/myface_stage_b_to_inpaint.png" in named
    card = json.loads(mine.read_text(encoding="utf-8"))
    assert (card["activation text"], card["negative text"]) == ("myface person", "extra ears")
    assert [lora["workflows"] for lora in record["loras"]] == [["txt2img", "inpaint_plain"], ["inpaint"]]
    hashes = next(file["hashes"] for file in record["loras"][0]["files"] if file["role"] == "LoRA")
    assert set(hashes) == {"sshs_model_hash", "sshs_legacy_hash", "AutoV2", "AutoV3"}
    _previews_are_what_each_stage_made(project)


def test_two_exports_of_one_project_do_not_run_at_once(project: Project, tmp_path: Path, capsys):
    argv = ["export", "--project", str(project.paths.root), "--to", "a1111"]
    with held(project.paths.cache, "lorawrap export", writes=["export"]):
        assert run(argv) == 2
        assert "lorawrap export" in capsys.readouterr().err
        assert run([*argv, "--dry-run"]) == 0
        assert run([*argv, "--dest", str(tmp_path / "ui")]) == 0


def test_a_projects_dry_run_writes_nothing(project: Project, capsys):
    before = files(project.paths.root)
    argv = ["export", "--project", str(project.paths.root), "--to", "forge", "--to", "diffusers", "--dry-run"]
    assert run(argv) == 0
    assert "export/diffusers/myface_stage_b.safetensors" in capsys.readouterr().out
    assert files(project.paths.root) == before


def _previews_are_what_each_stage_made(project: Project) -> None:
    shown = {
        "stage_a": project.paths.images / "txt2img/01_seed1_myface_stage_a.png",
        "stage_b": project.paths.images / "inpaint/stage_b/held_0_seed1.png",
    }
    for stage, made in shown.items():
        preview = project.paths.export / f"a1111/models/Lora/myface_{stage}.png"
        with Image.open(preview) as ours, Image.open(made) as theirs:
            assert ours.tobytes() == theirs.tobytes()


def test_another_folder_keeps_what_it_has(project: Project, tmp_path: Path, capsys):
    there = tmp_path / "webui" / "models" / "Lora" / "myface_stage_b.json"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    argv = [
        "export",
        "--project",
        str(project.paths.root),
        "--to",
        "a1111",
        "--dest",
        str(tmp_path / "webui"),
    ]
    assert run(argv) == 2
    assert "is already there" in capsys.readouterr().err
    assert files(tmp_path) == ["webui/models/Lora/myface_stage_b.json"]


def test_a_prompt_for_somebody_under_age_is_not_delivered(project: Project, tmp_path: Path, capsys):
    argv = ["export", "--project", str(project.paths.root), "--dest", str(tmp_path / "ui")]
    assert run([*argv, "--set", 'generate.prompts=["a girl of twelve years"]']) == 2
    assert not (tmp_path / "ui").exists()


def test_an_untrained_project_says_what_to_do(tmp_path: Path, capsys):
    write_json(tmp_path / "dataset" / "x.json", {})
    (tmp_path / "lorawrap.toml").write_text("")
    assert run(["export", "--project", str(tmp_path)]) == 2
    assert "Run `lorawrap train` first." in capsys.readouterr().err
