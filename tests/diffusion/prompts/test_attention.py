"""A1111's attention syntax. The expected pieces are what A1111 1.10's own parser gives for these prompts."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.diffusion.prompts.attention import Piece, literal, parse
from wrapper.diffusion.prompts.editing import check_prompt

UP, DOWN = 1.1, 1 / 1.1


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a plain, short prompt", [("a plain, short prompt", 1)]),
        ("", []),
        ("a (word) b", [("a ", 1), ("word", UP), (" b", 1)]),
        ("((word))", [("word", UP**2)]),
        ("[word]", [("word", DOWN)]),
        ("(word:1.25)", [("word", 1.25)]),
        ("(word: 0.5 )", [("word", 0.5)]),
        ("(word:-1)", [("word", -1)]),
        ("(a [b] c:1.5)", [("a ", 1.5), ("b", 1.5 * DOWN), (" c", 1.5)]),
        ("((a:1.5) b)", [("a", 1.5 * UP), (" b", UP)]),
        (r"\(literal\] \\", [("(literal] \\", 1)]),
        (r"C:\new", [("C:new", 1)]),
        ("(never closed", [("never closed", UP)]),
        ("[never closed", [("never closed", DOWN)]),
        ("never opened) here]", [("never opened) here]", 1)]),
        ("no bracket:1.2) here", [("no bracket:1.2) here", 1)]),
        ("16:9, (a: b)", [("16:9, ", 1), ("a: b", UP)]),
        ("(a)(b)", [("ab", UP)]),
        ("()", []),
    ],
)
def test_pieces(prompt, pieces):
    (section,) = parse(prompt)
    found = [(piece.text, piece.weight) for piece in section if piece.text]
    assert [text for text, _ in found] == [text for text, _ in pieces]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in pieces])


def test_a_break_divides_and_takes_the_spaces_around_it_along():
    assert parse("a BREAK  b") == [[Piece("a")], [Piece("b")]]
    assert parse("BREAKFAST at 8") == [[Piece("BREAKFAST at 8")]]


def test_a_break_in_brackets_divides_too():
    assert parse("(a BREAK b:1.5)") == [[Piece("a", 1.5)], [Piece("b", 1.5)]]


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(UserError, match=r"'1\.2\.3' is not a number"):
        parse("(a:1.2.3)")


@pytest.mark.parametrize(
    "text", [r"a (b:1.2) [c|d] \e", "BREAK a AND b, BREAKFAST", "[x:3] ((", "plain, ухо"]
)
def test_a_caption_can_be_made_to_mean_itself(text):
    check_prompt(literal(text))
    assert parse(literal(text)) == [[Piece(text)]]


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a [cat:dog:0.5] b", r"'\[cat:dog:0.5\]': words that come or go at a step"),
        ("[cat:5]", "come or go"),
        ("[word:1.2]", "come or go"),
        ("[(a:1.1):b:.5 ]", "come or go"),
        ("x [[deep]:3]", "come or go"),
        ("[a|b]", "alternating"),
        ("(x [a|b|c]:1.2)", "alternating"),
        ("a cat AND a dog", "several prompts for one picture"),
        ("(a:1.2.3)", "not a number"),
    ],
)
def test_what_would_be_misread_is_refused(prompt, said):
    with pytest.raises(UserError, match=said):
        check_prompt(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "[word]",
        "[a: b]",
        r"\[a|b\]",
        r"[a:b\:2]",
        "a | b",
        "(a|b)",
        "x:3]",
        "[open:3",
        "salt and pepper",
        "SAND",
    ],
)
def test_what_means_itself_is_left_alone(prompt):
    check_prompt(prompt)
