"""Templates of every folder: nothing missing passes, markup is escaped, text is not."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from wrapper.places import shipped
from wrapper.shipped_templates import templates


def test_a_missing_variable_is_an_error():
    with pytest.raises(UndefinedError):
        templates("html").from_string("{{ absent }}").render()


def test_markup_is_escaped_and_text_is_not():
    hostile = "<script>"
    assert templates("html").from_string("{{ it }}").render(it=hostile) == "&lt;script&gt;"
    assert templates("kohya").from_string("{{ it }}").render(it=hostile) == hostile


def test_a_line_of_a_block_leaves_none_and_the_last_line_ends():
    text = "a\n{% if there %}\n  b\n{% endif %}\nc\n"
    assert templates("kohya").from_string(text).render(there=True) == "a\n  b\nc\n"


@pytest.mark.parametrize("path", sorted(shipped("templates").glob("*/*.j2")), ids=lambda path: path.name)
def test_every_template_is_sound(path):
    made = templates(path.parent.name)
    made.filters.update({"toml": str, "python": repr, "one_line": str})
    made.get_template(path.name)
