"""Files of prompts in sd-scripts' forms: what is read, and that nothing is passed over in silence."""

from __future__ import annotations

import json

import pytest

from dataset_tools.errors import UserError
from wrapper.diffusion.prompts.prompt_file import FilePrompt, read_prompts


@pytest.fixture
def write(tmp_path):
    def written(text, name="prompts 'ухо'.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


def test_a_line_with_everything(write):
    path = write(
        "a (left:1.2) ear, 耳 --n waxy skin, extra ears --w 512 --h 768 --d 7 --s 40 --l 4.5 --ss euler_a\n"
    )
    assert read_prompts(path) == [
        FilePrompt(
            f"{path}:1", "a (left:1.2) ear, 耳", "waxy skin, extra ears", 512, 768, 7, 40, 4.5, "Euler a"
        )
    ]


def test_remarks_and_empty_lines_are_passed_by(write):
    path = write("\ufeff# portraits\n\na man\n  # more\n  a woman --D 3  \n")
    assert [(prompt.where, prompt.text, prompt.seed) for prompt in read_prompts(path)] == [
        (f"{path}:3", "a man", None),
        (f"{path}:5", "a woman", 3),
    ]


def test_what_is_not_said_is_none(write):
    (prompt,) = read_prompts(write("a man"))
    said = (prompt.negative, prompt.width, prompt.height, prompt.seed, prompt.steps, prompt.cfg)
    assert said == (None,) * 6


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a man --w 500", "width = 500 is not a number of pixels that is a multiple of 8"),
        ("a man --w wide", "width = 'wide' is not"),
        ("a man --d -1", "seed = -1 is not a whole number"),
        ("a man --s 0", "sample_steps = 0 is not"),
        ("a man --l", "scale = '' is not a number"),
        ("a man --l nan", "scale = nan is not"),
        ("a man --cn pose.png", "'--cn' cannot be followed: give control images as options"),
        ("a man --g 3.5", "'--g' cannot be followed: it is FLUX's guidance"),
        ("a man --dsd1 3", "'--dsd1' cannot be followed"),
        ("a man --width 512", "there is no '--width'. Known: --n, --w"),
        ("a man --- smiling", "there is no '---'"),
        ("a man --d 1 --d 2", "'--d' stands there twice"),
        ("--n blurry", "the prompt is empty"),
        ("a man --ss Eular", "no sampler 'Eular'"),
        ("a [man|woman]", "alternating words"),
    ],
)
def test_faults_have_their_line(write, line, said):
    path = write(f"a woman\n{line}\n")
    with pytest.raises(UserError) as caught:
        read_prompts(path)
    told = f"{caught.value.message} {caught.value.hint}"
    assert told.startswith(f"{path}:2: ")
    assert said in told


def test_all_faults_are_told_at_once(write):
    with pytest.raises(UserError, match="3 problems") as caught:
        read_prompts(write("a --w 5\nb\nc --x 1\nd --h 9\n"))
    assert [number for number in (1, 2, 3, 4) if f"txt:{number}: " in caught.value.message] == [1, 3, 4]


def test_toml_with_what_all_have_in_common(write):
    path = write(
        '[prompt]\nwidth = 512\nscale = 5\n[[prompt.subset]]\nprompt = "a man"\nseed = 3\n'
        '[[prompt.subset]]\nprompt = "a woman"\nwidth = 256\nnegative_prompt = "waxy"\n',
        "p.toml",
    )
    one, two = read_prompts(path)
    assert (one.where, one.text, one.width, one.seed, one.cfg) == (f"{path}: prompt 1", "a man", 512, 3, 5.0)
    assert (two.text, two.width, two.negative) == ("a woman", 256, "waxy")


def test_json_of_lines_and_tables(write):
    path = write(json.dumps(["a man --w 64", {"prompt": "a woman", "sample_steps": 4}]), "p.json")
    one, two = read_prompts(path)
    assert (one.text, one.width, two.text, two.steps) == ("a man", 64, "a woman", 4)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.txt", "# nothing\n", "no prompt in it"),
        ("p.toml", 'prompt = "a man"', r"has no \[\[prompt.subset\]\]"),
        ("p.toml", "[prompt", "not valid TOML"),
        ("p.json", "{}", "is no list of prompts"),
        ("p.json", "[", "not JSON"),
        ("p.json", "[3]", "prompt 1: is neither a text nor a table"),
        ("p.json", '[{"prompt": "a", "widht": 64}]', "there is no 'widht'"),
        ("p.json", '[{"prompt": "a", "flow_shift": 3}]', "'flow_shift' cannot be followed"),
        ("p.json", '[{"prompt": "a", "width": "64"}]', "width = '64' is not"),
        ("p.json", '[{"prompt": "a", "seed": true}]', "seed = True is not"),
        ("p.json", '[{"width": 64}]', "the prompt is empty"),
    ],
)
def test_other_faults(write, name, text, said):
    with pytest.raises(UserError, match=said):
        read_prompts(write(text, name))


def test_a_file_that_is_not_there_or_not_utf8(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_prompts(tmp_path / "no.txt")
    (tmp_path / "latin.txt").write_bytes("ö".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_prompts(tmp_path / "latin.txt")
