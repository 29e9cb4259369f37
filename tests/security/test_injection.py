"""Names, captions and prompts stay what they are in pages, shell lines, tables, templates and prompts."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import toml
import tomllib
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.captioning.captions import render_caption
from dataset_tools.errors import UserError
from dataset_tools.printable import printable
from dataset_tools.quality.page.page import as_script
from dataset_tools.quality.qc_report import cell
from tests.dataset_tools.quality.browser import CHROMIUM, Page, browser
from tests.dataset_tools.rows import row
from tests.fuzz.mutated import tries
from tests.report import projects
from wrapper.cli.options import in_project
from wrapper.diffusion.pictures.infotext import Infotext, parse_infotext, write_infotext
from wrapper.diffusion.prompts.attention import literal
from wrapper.diffusion.prompts.lora_tags import read_tags
from wrapper.launch.command import Command
from wrapper.report.report import write_report
from wrapper.toml_text import to_toml

PAYLOADS = (
    "<img src=x onerror=\"document.title='run'\">",
    "</script><script>document.title='run'</script>",
    "</style><svg onload=document.title='run'>",
    '"><a href="javascript:document.title=\'run\'" autofocus onfocus="document.title=\'run\'">x</a>',
    "'><iframe srcdoc=\"<script>parent.document.title='run'</script>\">",
    "{{ 7 * 7 }}{% raw %}",
)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
@pytest.mark.parametrize("policy", [True, False], ids=["as it is", "without its policy"])
def test_the_report_runs_nothing_of_what_it_shows(policy, tab, tmp_path, monkeypatch):
    hostile = " ".join(PAYLOADS)
    monkeypatch.setattr(projects, "HOSTILE", hostile)
    monkeypatch.setattr(projects, "head", _named_shorter(projects.head))
    page = write_report(projects.make_project(tmp_path / "проект 'a' 🙂"))
    text = page.read_text(encoding="utf-8")
    assert "onerror=" in text  # it is shown
    if not policy:
        text = text.replace("Content-Security-Policy", "nothing")
        page.write_text(text, encoding="utf-8")
    tab.open(page)
    assert tab.run("document.title") != "run"
    assert tab.run("document.querySelectorAll('script, iframe, object, [onerror], [onload]').length") == 0
    assert "7 * 7" in tab.run("document.body.innerText")


def _named_shorter(head):
    def drawn(path: Path, *given, **more):
        return head(path if len(path.name) < 100 else path.with_name("long.png"), *given, **more)

    return drawn


@tries(200)
@given(st.recursive(st.text() | st.sampled_from(PAYLOADS), lambda inner: st.lists(inner, max_size=3)))
def test_data_in_a_page_cannot_end_its_script(value):
    text = as_script(value)
    assert not set(text) & {"<", ">", "&"}
    assert text.isascii()


ODD_WORDS = (
    "a b",
    "$(touch run)",
    "`touch run`",
    "; touch run",
    "a'b\"c",
    "\n touch run",
    "-rf",
    "*",
    "~",
    "🙂",
    "&& x",
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_command_that_is_pasted_into_a_shell_is_the_same_command(tmp_path):
    show = ("python3", "-c", "import os, sys; print(ascii((sys.argv[1:], os.environ['ODD'])))", *ODD_WORDS)
    for odd in ODD_WORDS:
        folder = tmp_path / odd.replace("/", "")
        folder.mkdir(exist_ok=True)
        line = Command(show, {"ODD": odd}, folder).shell()
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ascii((list(ODD_WORDS), odd))
        asked = subprocess.run(
            ["bash", "-c", f"printf '%s|'{in_project(folder)}"], capture_output=True, text=True, check=True
        )
        assert asked.stdout == f"--project|{folder}|"
    assert not list(tmp_path.rglob("run"))


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_calculates_no_name(name):
    text = cell(name)
    assert text.startswith("'")
    assert next(csv.reader(["a," + '"' + text.replace('"', '""') + '"'], strict=False))[1].startswith("'")


@pytest.mark.parametrize(
    "payload", [*PAYLOADS, "{{ ''.__class__.__mro__ }}", "{% for i in range(9) %}x{% endfor %}"]
)
def test_a_rows_words_are_no_template(payload):
    shown = render_caption(row(caption=payload), "{{ words }}", "zzx", "woman")
    assert payload in shown
    shown = render_caption(row(prompt=payload, tags={"k": payload}), "{{ prompt }}; {{ k }}", "zzx", "woman")
    assert payload.split(",")[0] in shown
    assert "49" not in shown


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('touch run') }}",
        "{{ lipsum.__globals__['os'].popen('touch run').read() }}",
        "{% include '/etc/passwd' %}",
        "{% for i in range(10000000) %}x{% endfor %}",
    ],
)
def test_a_projects_template_reaches_nothing_but_its_words(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"captions\.template"):
        render_caption(row(prompt="x"), template, "zzx", "woman")
    assert not (tmp_path / "run").exists()


@tries(300)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_a_text_stays_one_value_of_toml(text):
    line = f"k = {to_toml(text)}\n"
    assert tomllib.loads(line) == {"k": text}
    assert toml.loads(line) == {"k": text}


@pytest.mark.parametrize("name", ["a <lora:x:9> b", "(x:9)", "[a:b:0.5]", "a BREAK b", "{a|b}", "x\\"])
def test_words_meant_as_they_are_weigh_and_load_nothing(name):
    text, loras = read_tags(literal(name).replace("<lora:", "<lora\\:"))
    assert loras == [] or "<lora:" in name
    assert text


def test_a_prompt_cannot_forge_the_fields_behind_it():
    forged = "a\nNegative prompt: none\nSteps: 1, Sampler: x, Seed: 1, Size: 1x1"
    try:
        text = write_infotext(Infotext(forged, "wax", {"Steps": "20", "Sampler": "Euler a", "Seed": "7"}))
    except UserError:
        return
    assert parse_infotext(text).fields["Seed"] == "7"


def test_a_name_steers_no_terminal():
    shown = printable("a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb\u2028c")
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert "\u202e" not in shown
