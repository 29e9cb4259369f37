"""What a file says reaches the terminal as text alone."""

from __future__ import annotations

import pytest

from dataset_tools.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b2J", "\\x9b2J"),
        ("\x07\x00\x7f", "\\x07\\x00\\x7f"),
        ("exe.\u202egpj", "exe.\\u202egpj"),
        ("\u2066a\u2069\u200f", "\\u2066a\\u2069\\u200f"),
        ("\ud800", "\\ud800"),
        ("over\rwritten", "over\\rwritten"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("ухо 👩\u200d🦰 é", "ухо 👩\u200d🦰 é"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(text: str, shown: str):
    assert printable(text) == shown


def test_one_line_is_one_and_short():
    assert one_line("a\nb\t\x1bc") == "a b \\x1bc"
    assert one_line("word " * 100_000, 12) == "word word w…"
    assert len(one_line("\x1b" * 1000, 50)) == 50
