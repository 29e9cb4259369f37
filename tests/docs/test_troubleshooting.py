"""The page of messages: what it quotes as ours is said by our code, and what our code names has an entry."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from dataset_tools.files import write_text
from dataset_tools.manifests import safety
from dataset_tools.quality.verdict import RULES
from tests.docs.console import DOCS
from tests.docs.messages import BETWEEN, ROOT, all_texts, findings_of, is_said, refusals_of, texts_of, told_by
from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run
from wrapper.launch.endings.causes import FATAL, NOTICES
from wrapper.launch.endings.explain import explain

PAGE = (DOCS / "TROUBLESHOOTING.md").read_text(encoding="utf-8")
CAUSES = (*FATAL, *NOTICES)
_CODE = re.compile(r"`([^`]+)`")
_ENTRY = re.compile(r"^#{2,3} (.+?)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"(?:^>.*\n)+", re.MULTILINE)
_WHO = re.compile(r"\*\*([^*]+)\*\*((?:[\s,>]*`[^`]+`)+)")
_ROW = re.compile(r"^\| (`.+?) \| ", re.MULTILINE)


def quotes(text: str, *, ours: bool) -> list[str]:
    """The messages that an entry quotes, by `lorawrap` or by others."""
    said = [
        (who, _unwrapped(words))
        for block in _QUOTED.findall(text)
        for who, words in _WHO.findall(block)
        for words in _CODE.findall(_unwrapped(words))
    ]
    rows = [code.replace("\\|", "|") for row in _ROW.findall(text) for code in _CODE.findall(row)]
    return [words for who, words in said if (who == "lorawrap") == ours] + (rows if ours else [])


def _unwrapped(text: str) -> str:
    return re.sub(r"\s*\n>\s*", " ", text)


ENTRIES = dict(_ENTRY.findall(PAGE))
OURS = quotes(PAGE, ours=True)


def covered(text: str) -> bool:
    """Whether some message on the page is (a part of) ``text``, with four words' worth of letters."""
    return any(is_said(quote, text) for quote in OURS if len(re.sub(r"\W", "", quote)) >= 4)


def test_the_page_is_long_and_each_entry_is_short():
    assert len(OURS) > 300
    assert len(ENTRIES) > 60
    prose = {
        name: re.sub(r"^[>|].*\n|```.*?```", "", body, flags=re.M | re.S) for name, body in ENTRIES.items()
    }
    assert all(
        text.count("\n") <= 12 for name, text in prose.items() if name != "Troubleshooting, by message"
    )


def test_what_is_quoted_as_ours_is_said_by_our_code():
    assert [quote for quote in dict.fromkeys(OURS) if not is_said(quote, all_texts())] == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.message)
def test_every_cause_of_a_failed_run_has_an_entry_whose_words_lead_to_it(cause):
    message = cause.message.replace("{what}", "…")
    entries = [body for body in ENTRIES.values() if message in quotes(body, ours=True)]
    assert entries, f"docs/TROUBLESHOOTING.md has no entry with `{message}`"
    told = [explain([words.replace("…", "x")], 1).message for words in quotes(entries[0], ours=False)]
    assert any(is_said(message, words) for words in told), told


CHECKS = sorted((ROOT / "wrapper/kohya/checks").glob("*.py"))


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_everything_that_check_finds_is_on_the_page(path):
    assert [text for text in sorted(findings_of(path)) if not covered(text)] == []


EXPORTS = sorted((ROOT / "wrapper/export").rglob("*.py"))


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_every_refusal_of_export_is_on_the_page(path):
    assert [text for text in sorted(refusals_of(path)) if not covered(text)] == []


SWEEPS = sorted(
    [
        *(ROOT / "wrapper/sweep").rglob("*.py"),
        *(ROOT / "wrapper/cli").glob("sweep*/*.py"),
        *(ROOT / "wrapper/cli").glob("sweep_*.py"),
        ROOT / "dataset_tools/system/ray_cluster.py",
    ]
)


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_refusal_of_a_sweep_is_on_the_page(path):
    assert [text for text in sorted(told_by(path)) if not covered(text)] == []


def test_every_reason_of_qc_is_on_the_page():
    said = [re.sub(r"\{[^}]*\}", "…", rule.text) for rule in RULES]
    assert [text for text in said if not covered(text)] == []


def test_every_refusal_of_a_row_or_a_prompt_is_on_the_page():
    refusals = [text for text in texts_of(Path(safety.__file__)) if "under 18" in text or "refused" in text]
    assert len(refusals) > 5
    assert [text for text in refusals if not covered(text)] == []


WOMAN = {"image": "a.png", "subject": "anna", "consent": "2026-11", "age": "26-30", "view": "front"}
TEEN = {**WOMAN, "age": "15-17", "ear_side": "left", "type": "full"}
TRAIN = 'network_module = "networks.lora"\noutput_dir = "out"\n'
LORA = object()
PROVOKED = [
    ("A row without consent", "qc m.json", {"m.json": [{**WOMAN, "consent": None}]}),
    ("A subject under 18", "qc m.json", {"m.json": [TEEN]}),
    ("A subject under 18", "init p --photos . --job face --age 15-17 --consent c --subject s", {}),
    ("A prompt is refused", "generate --base demo --prompt 'a 12 year old girl'", {}),
    ("The manifest is not read", "qc m.csv", {"m.csv": "a,b\n1,2\n"}),
    ("Paths in the manifest", "qc m.json", {"m.json": [{**WOMAN, "image": "../a.png"}]}),
    ("There are no images", "qc photos", {"photos/readme.txt": "none"}),
    ("There are no images", "init p --photos 'нет 📷' --job face", {}),
    ("Keys and values", "check t.toml", {"t.toml": f"{TRAIN}learning_rte = 1\n"}),
    ("Options that fight", "check t.toml", {"t.toml": f"{TRAIN}shuffle_caption = true\nfull_fp16 = true\n"}),
    ("Images", "check t.toml", {"t.toml": f'{TRAIN}train_data_dir = "d"\n', "d/3_cat/a.png": "no picture"}),
    ("There is a project here already", "train all", {}),
    ("There is a project here already", "qc --project .", {"lorawrap.toml": 'base = "C:\\models"\n'}),
    ("A model or a tokenizer is not here", "generate --base none.safetensors --prompt cat", {}),
    (
        "Export or a LoRA tool refuses",
        "export x.safetensors --to a1111 --dest ui --name a:b",
        {"x.safetensors": LORA},
    ),
    (
        "Export or a LoRA tool refuses",
        "export x.safetensors --to comfyui --dest ui",
        {"x.safetensors": LORA, "ui/webui.py": ""},
    ),
    ("Export or a LoRA tool refuses", "export x.safetensors --to folder --dest .", {"x.safetensors": LORA}),
    ("A model file is broken", "generate --base b.safetensors --prompt cat", {"b.safetensors": "<html>"}),
]


def write(path: Path, content: object) -> None:
    if content is LORA:
        save(path, tensors(plain_layers("sd15")))
    else:
        write_text(path, content if isinstance(content, str) else json.dumps(content))


def told_in_short(value: object) -> str:
    """Of files their names: what stands for a LoRA has another address in each process."""
    return ", ".join(value) if isinstance(value, dict) else str(value)[:40]


@pytest.mark.parametrize(("entry", "line", "files"), PROVOKED, ids=told_in_short)
def test_a_message_that_is_provoked_is_in_its_entry(entry, line, files, tmp_path, monkeypatch, capsys):
    for name, content in files.items():
        write(tmp_path / name, content)
    monkeypatch.chdir(tmp_path)
    assert run(shlex.split(line)) == 2
    said = "".join(capsys.readouterr()).replace("\n", BETWEEN)
    assert any(is_said(quote, said) for quote in quotes(ENTRIES[entry], ours=True)), said
