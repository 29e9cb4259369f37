"""What a stream that lacks letters gets instead of an exception."""

from __future__ import annotations

import io
import json
import sys

import pytest

from dataset_tools.system.streams import speak

SAID = "→ Мой ✓ ±1 🙂 é"


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", SAID),
        ("cp1251", "-> Мой ok ±1 \\ud83d\\ude42 \\u00e9"),
        ("cp1252", "-> \\u041c\\u043e\\u0439 ok ±1 \\ud83d\\ude42 é"),
        ("cp437", "-> \\u041c\\u043e\\u0439 ok ±1 \\ud83d\\ude42 é"),
        ("ascii", "-> \\u041c\\u043e\\u0439 ok +/-1 \\ud83d\\ude42 \\u00e9"),
    ],
)
def test_what_cannot_be_encoded_is_spelled_out(encoding: str, written: str, monkeypatch: pytest.MonkeyPatch):
    assert _said(SAID, encoding, monkeypatch) == written


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_a_file_name_that_is_no_text_is_spelled_out(encoding: str, monkeypatch: pytest.MonkeyPatch):
    assert _said("a\udcff.png", encoding, monkeypatch) == "a\\udcff.png"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_json_stays_json(encoding: str, monkeypatch: pytest.MonkeyPatch):
    name = {"name": "Жанна 🙂"}
    assert json.loads(_said(json.dumps(name, ensure_ascii=False), encoding, monkeypatch)) == name


def test_a_program_without_streams_can_speak_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    speak()


def _said(text: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    speak()
    stream.write(text)
    stream.flush()
    return written.getvalue().decode(encoding)
