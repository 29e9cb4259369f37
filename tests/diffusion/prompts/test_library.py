"""Prompts by name: every shipped preset with every value, a project's own, and adults only."""

from __future__ import annotations

import pytest
from PIL import Image

from dataset_tools.captioning.phrases import library
from dataset_tools.errors import UserError
from dataset_tools.manifests.prompt_age import asks_for_minor
from wrapper.cli.main import run
from wrapper.diffusion.pictures.picture import read_parameters
from wrapper.diffusion.pipelines.schedulers import find_sampler
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.prompts.library import preset_for, preset_prompt
from wrapper.diffusion.prompts.presets import list_presets

JOB_A = {
    "portrait/full",
    "portrait/torso",
    "portrait/bust",
    "ear/profile_left",
    "ear/profile_right",
    "repair/left",
    "missing/right",
}


def test_what_the_ear_job_needs_is_shipped():
    presets = list_presets()
    assert set(presets) >= JOB_A
    for name, preset in presets.items():
        assert preset.about, name
        if preset.task == "txt2img":
            assert (preset.sampler, preset.steps) == ("Euler a", 40)
        else:
            assert 36 <= preset.steps <= 44
            assert preset.strength is not None
        assert 4.5 <= preset.cfg <= 5.5
        for words in ("plastic skin", "waxy skin", "oversized ear", "extra ears", "wrong ear geometry"):
            assert words in preset.negative_text(), name
    assert 0.35 <= preset_prompt("repair/left").strength <= 0.55
    assert preset_prompt("missing/left").strength == 1.0


@pytest.mark.parametrize("name", list_presets())
def test_every_value_gives_a_prompt_for_an_adult(name):
    text = list_presets()[name].text
    for kind, values in library()["words"].items():
        for value in values if f"{{{kind}}}" in text else ():
            if value == "15-17":
                continue
            made = preset_prompt(f"{name},{kind}={value}", "sks ухо", "woman")
            assert made.text.count("sks ухо woman") == 1
            assert ", ," not in made.text
            assert asks_for_minor(made.text) is None
            check_prompt(made.text)
            find_sampler(made.sampler)


def test_values_become_words_of_the_library():
    made = preset_prompt("ear/profile_left,ear_shape=protruding,skin_tone=deep warm,age=18-22", "sks", "man")
    assert made.text == (
        "close-up photo of left ear of sks man, left profile, about 20 years old, deep warm skin, "
        "slightly protruding left ear, natural skin texture, sharp focus"
    )


def test_without_a_project_there_is_no_trigger():
    assert preset_prompt("portrait/bust").text.startswith("photo of person, head and shoulders photo,")


def test_adults_are_asked_for_by_age_in_every_txt2img_preset():
    for name, preset in list_presets().items():
        if preset.task == "txt2img":
            assert "years old" in preset_prompt(name).text


def test_a_portrait_is_taller_than_wide_on_every_base():
    full = preset_prompt("portrait/full")
    assert [full.size_px(side) for side in (64, 512, 1024)] == [(64, 96), (512, 768), (1024, 1536)]
    assert preset_prompt("repair/left").size_px(512) is None


@pytest.mark.parametrize(
    ("spec", "said", "hint"),
    [
        ("ear/profil_left", "no preset 'ear/profil_left'", "Did you mean 'ear/profile_left'?"),
        ("portrait/bust,skintone=olive", "no words for 'skintone'", "Did you mean 'skin_tone'?"),
        ("portrait/bust,view=profile", "view=profile: there is no such value", "Did you mean 'profile_"),
        ("portrait/bust,pose=supine", "no place for 'pose'", "type, view"),
        ("portrait/bust,olive", "'olive' is not KEY=VALUE", "skin_tone=olive"),
        ("portrait/bust,age=15-17", "no preset draws a person under 18", "18-22"),
        ("repair/left,skin_tone=15-year-old", "asks for a person under 18", "adults only"),
        ("portrait/full,lobe=schoolgirl", "asks for a person under 18", ""),
    ],
)
def test_what_cannot_be_followed_is_refused(spec, said, hint):
    with pytest.raises(UserError, match=said) as caught:
        preset_prompt(spec)
    assert hint in caught.value.hint


def test_the_projects_class_word_cannot_ask_for_a_child():
    with pytest.raises(UserError, match="under 18"):
        preset_prompt("repair/left", "sks", "child")


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "my 'project' ухо"
    folder.mkdir()
    return folder


def test_a_project_adds_presets_and_replaces_shipped_ones(project):
    (project / "prompts.toml").write_text(
        '["portrait/bust"]\ntext = "bust of {trigger}"\n'
        '["my/ухо"]\ntext = "({class_word}:1.2), {skin_tone}"\nnegative = ["skin", "hats"]\nsteps = 9\n',
        encoding="utf-8",
    )
    assert preset_prompt("portrait/bust", "sks", project=project).text == "bust of sks"
    own = preset_prompt("my/ухо,skin_tone=olive", "sks", "man", project)
    assert own.text == "(man:1.2), olive skin"
    assert own.negative == "plastic skin, waxy skin, airbrushed, hats"
    assert own.steps == 9
    assert set(list_presets(project)) > JOB_A


def test_all_faults_of_a_projects_file_are_told_at_once(project):
    (project / "prompts.toml").write_text(
        '[a]\ntext = "{trigar}"\n[b]\ntext = "x"\nstepps = 3\n[c]\ntext = "x"\ntask = "inpaint"\n'
        '[d]\ntext = "x"\nsampler = "Eular"\n[e]\nsteps = 3\n[f]\ntext = "x"\nvalues = { age = "15-17" }\n'
    )
    with pytest.raises(UserError) as caught:
        list_presets(project)
    for said in (
        "[a]: text: there is no {trigar}. Did you mean 'trigger'?",
        "[b]: unknown key 'stepps'. Did you mean 'steps'?",
        "[c]: strength is for task 'inpaint'",
        "[d]: There is no sampler 'Eular'",
        "[e]: text: Field required",
        "[f]: age=15-17: no preset draws a person under 18",
    ):
        assert said in caught.value.message


def test_a_preset_of_another_task_is_refused():
    assert preset_for("inpaint", "repair/left", None).strength == 0.45
    with pytest.raises(UserError, match="'repair/left' is for lorawrap inpaint") as caught:
        preset_for("txt2img", "repair/left", None)
    assert "portrait/bust" in caught.value.hint
    assert "missing/left" not in caught.value.hint


def test_inpaint_takes_a_preset_and_what_is_given_beside_it(tmp_path, capsys):
    Image.new("RGB", (64, 64), "tan").save(tmp_path / "photo 'ухо'.png")
    argv = ["inpaint", "--base", "demo", "--image", str(tmp_path / "photo 'ухо'.png"), "--shape"]
    argv += ["ellipse:30,30,8,12", "--preset", "repair/left,skin_tone=olive", "--steps", "4", "--seed", "1"]
    out = tmp_path / "out.png"
    assert run([*argv, "--out", str(out)]) == 0, capsys.readouterr().err
    told = read_parameters(out)
    assert "average left ear, left profile, olive skin" in told.prompt
    assert "waxy skin" in told.negative
    assert (told.fields["Steps"], told.fields["Denoising strength"]) == ("4", "0.45")
    argv[argv.index("repair/left,skin_tone=olive")] = "repair/lift"
    assert run([*argv, "--out", str(out)]) == 2
    assert "Did you mean 'repair/left'?" in capsys.readouterr().err
