"""Secrets of the environment and of addresses are in nothing that is written or shown."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from tests.kohya.projects import make_base, make_project
from tests.launch.test_train import FAKE
from wrapper.base_model.detect import detect
from wrapper.cli.main import run
from wrapper.kohya.render import render
from wrapper.launch import train as launch
from wrapper.project.load import load_project
from wrapper.secret_words import HIDDEN, hider, is_secret

SECRETS = {
    "HF_TOKEN": "hf_AbCdEfGhIjKlMnOp",
    "WANDB_API_KEY": "0123456789abcdef0123",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
    "CIVITAI_TOKEN": "civitai-private-word",
    "MY_DB_PASSWORD": "correct horse (battery) [staple]",
}
ADDRESS = "https://anna:pass-phrase-7@host.example/hub"
LEAK = "import os, sys\nprint('env:', dict(os.environ))\nprint(os.environ['HF_TOKEN'], file=sys.stderr)\n"


def written(root: Path) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def leaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trainer that prints its whole environment, as sd-scripts' entry points do not, but libraries may."""
    checkout = tmp_path / "leaky"
    shutil.copytree(FAKE, checkout)
    script = checkout / "train_network.py"
    text = script.read_text(encoding="utf-8")
    head, future, rest = text.partition("from __future__ import annotations\n")
    script.write_text(head + future + LEAK + rest if future else LEAK + text, encoding="utf-8")
    for name, value in {**SECRETS, "HF_ENDPOINT": ADDRESS, "REAL_PYTHON": sys.executable}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(checkout))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(checkout / "python"))
    monkeypatch.setenv("FAKE_TRAINER", "good")
    return checkout


def test_a_run_leaves_no_secret_behind(leaky, tmp_path, capfd, monkeypatch):
    project = make_project(tmp_path / "проект 'a' 🙂")
    made = launch.train(project, "stage_a", engine="sd-scripts", device="cpu")
    monkeypatch.chdir(project.paths.root)
    assert run(["runs", "show", "stage_a-001"]) == 0
    shown = capfd.readouterr()
    log = project.paths.run("stage_a").log.read_text(encoding="utf-8")
    assert "env: {" in log  # it did print it
    assert f"'HF_TOKEN': '{HIDDEN}'" in log
    assert made.is_file()
    everything = [*written(project.paths.root), (Path("shown"), (shown.out + shown.err).encode())]
    for path, data in everything:
        for name, secret in {**SECRETS, "HF_ENDPOINT": "pass-phrase-7"}.items():
            assert secret.encode() not in data, f"{name} in {path}"


@pytest.mark.parametrize("key", ["wandb_api_key", "huggingface_token"])
def test_a_secret_is_refused_in_a_project_file_and_not_repeated(key, tmp_path):
    project = make_project(tmp_path)
    base = detect(make_base(tmp_path / "base", 4))
    asked = load_project(project.paths.root, [f"stage_a.kohya.{key}=hush-hush-hush"])
    with pytest.raises(UserError, match="a secret, which belongs into no file") as caught:
        render("stage_a", asked.settings, asked.paths, read_dataset(asked.paths.dataset), base)
    assert "hush" not in caught.value.message + caught.value.hint
    assert {"wandb_api_key": "WANDB_API_KEY", "huggingface_token": "HF_TOKEN"}[key] in str(
        caught.value.message + caught.value.hint
    )


ADDRESSES = {
    "https://anna:secret@host/x.safetensors": f"https://{HIDDEN}@host/x.safetensors",
    "https://civitai.com/x?token=0123&type=Model": f"https://civitai.com/x?token={HIDDEN}&type=Model",
    "https://h/x?a=1&X-Amz-Signature=ab&api_key=cd": f"https://h/x?a=1&X-Amz-Signature=ab&api_key={HIDDEN}",
    "mail anna@host.example about k=v": "mail anna@host.example about k=v",
    "redis://:pw@h": f"redis://{HIDDEN}@h",
}


@pytest.mark.parametrize(("address", "shown"), ADDRESSES.items())
def test_secrets_in_addresses_are_left_out(address, shown):
    assert hider({})(address) == shown


def test_short_values_and_other_names_stay():
    hide = hider(
        {"API_KEY": "cat", "HOME": "/home/anna-with-a-name", "TOKENIZERS_PARALLELISM": "false-false"}
    )
    assert hide("cat in /home/anna-with-a-name, false-false") == "cat in /home/anna-with-a-name, false-false"


def test_the_longer_of_two_secrets_goes_whole():
    hide = hider({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefgh-ijkl"})
    assert hide("x abcdefgh-ijkl y abcdefgh") == f"x {HIDDEN} y {HIDDEN}"


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "wandb_api_key", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD_PASSWORD"]
)
def test_names_of_secrets_are_known(name):
    assert is_secret(name)


def test_an_error_shows_no_secret(monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("HF_TOKEN", SECRETS["HF_TOKEN"])
    assert run(["check", str(tmp_path / f"{SECRETS['HF_TOKEN']}.toml")]) == 2
    shown = capfd.readouterr()
    assert SECRETS["HF_TOKEN"] not in shown.out + shown.err
