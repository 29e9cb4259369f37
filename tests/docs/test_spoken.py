"""Commands that guides and our own messages only mention are commands, with options that they have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.console import DOCS
from tests.docs.messages import BETWEEN, all_texts
from tests.docs.spoken import fault, spoken

PAGES = sorted([*DOCS.glob("*.md"), *DOCS.parent.glob("README*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_what_a_page_mentions_is_a_command(page: Path):
    lines = dict.fromkeys(spoken(page.read_text(encoding="utf-8")))
    assert [said for line in lines if (said := fault(line))] == []


def test_what_our_messages_mention_is_a_command():
    texts = all_texts().split(BETWEEN)
    hints = {hint for text in texts for hint in re.findall(r"[`']lorawrap ([^`']+)[`']", text)}
    assert len(hints) > 15
    assert [said for hint in sorted(hints) if (said := fault(f"lorawrap {hint}"))] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lorawrap train stage_a --gpus all", ""),
        ("lorawrap runs resume stage_a-001  # goes on", ""),
        ("lorawrap trian stage_a", "there is no command trian"),
        ("lorawrap runs stop", "there is no command stop"),
        ("lorawrap export FILE --destination here", "there is no option --destination"),
    ],
)
def test_a_line_that_is_no_command_is_told(line: str, said: str):
    assert fault(line) == (f"{line}: {said}" if said else "")
