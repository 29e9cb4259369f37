"""Captions: which file is read, which line of it, what of that is trained; as sd-scripts v0.10.1 does it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.kohya.picture_case import Case, make_case
from wrapper.kohya.checks import caption_text
from wrapper.kohya.checks.caption_tokens import exact_counter, fewest_tokens, tokenizer_folder, usual_tokens


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path)


def first_caption(content: bytes) -> object:
    return lambda case: case.first.with_suffix(".txt").write_bytes(content)


ERRORS = {
    "nothing in it": (first_caption(b""), "ухо 0.txt: the caption is empty."),
    "a blank line": (first_caption(b" \n"), "ухо 0.txt: the caption is empty."),
    "text below": (first_caption(b"\nreal text"), "Its first line is, and no other is read."),
    "two lines": (first_caption(b"one\ntwo"), "only the first line of a caption is read."),
    "two lines of Windows": (first_caption(b"one\r\ntwo\r\n"), "only the first line of a caption is read."),
    "two lines of an old Mac": (first_caption(b"one\rtwo"), "only the first line of a caption is read."),
    "another encoding": (first_caption("ухо".encode("cp1251")), "not UTF-8 (byte 0)."),
    "UTF-16": (first_caption("one".encode("utf-16")), "not UTF-8, but UTF-16"),
    "bad far below": (first_caption(b"x\n" * 9000 + b"\xff"), "not UTF-8 (byte 18000)."),
}


@pytest.mark.parametrize(("spoil", "sentence"), ERRORS.values(), ids=ERRORS)
def test_what_is_not_read_whole_is_an_error(case, spoil, sentence):
    spoil(case)
    (error,) = case.errors
    assert sentence in error


FINE = {
    "lines at the end": b"one  \n\n \n",
    "of Windows": b"one\r\n",
    "a form feed": b"one\x0ctwo",
    "other line ends of Unicode": "one\u0085two\u2028three".encode(),
    "a zero": b"one\0two",
    "emoji": "ухо 🙂, left".encode(),
}


@pytest.mark.parametrize("content", FINE.values(), ids=FINE)
def test_what_python_reads_as_one_line_is_one(case, content):
    first_caption(content)(case)
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


def test_a_byte_order_mark_is_a_warning_because_the_tokenizer_drops_it(case):
    first_caption(b"\xef\xbb\xbfone")(case)
    assert case.errors == []
    assert "begins with a byte order mark" in case.warnings[0]


def test_with_wildcards_every_line_is_read(case):
    case.subset["enable_wildcard"] = True
    first_caption(b"\none\ntwo {a|b}\n")(case)
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


def test_wildcards_that_stay_as_they_stand_are_a_warning(case):
    first_caption(b"{a|b} person")(case)
    assert "{a|b} is trained as it stands." in case.warnings[0]


UNREAD = {
    "the default suffix": ({"caption_extension": ".caption"}, None, "Their .txt files are not read."),
    "upper case": ({}, ".TXT", "Set caption_extension = '.TXT'."),
    "the picture's suffix too": ({}, ".png.txt", "Their .txt files are not read."),
    "other": ({"caption_extension": ".txt"}, ".caption", "Set caption_extension = '.caption'."),
}


@pytest.mark.parametrize("tokens", ["", "myface person"])
@pytest.mark.parametrize(("subset", "suffix", "sentence"), UNREAD.values(), ids=UNREAD)
def test_captions_that_are_not_read_are_an_error_class_tokens_or_not(case, subset, suffix, sentence, tokens):
    case.subset |= subset | ({"class_tokens": tokens} if tokens else {})
    for path in case.images.glob("*.txt"):
        path.rename(path.with_name(path.stem + suffix) if suffix else path)
    (error,) = case.errors
    assert sentence in error
    assert "have no" in error


def test_the_suffix_needs_no_point(case):
    case.subset["caption_extension"] = "txt"
    assert case.errors == []


def test_a_picture_without_a_caption(case):
    case.first.with_suffix(".txt").unlink()
    (error,) = case.errors
    assert "have no .txt caption: ухо 0.png. Give each a caption file beside it." in error
    case.subset["class_tokens"] = "a person"
    assert case.errors == []
    assert "They are trained as 'a person'." in case.warnings[0]


def test_class_images_without_captions_are_usual(case):
    reg = case.root / "reg"
    reg.mkdir()
    os.link(case.first, reg / "0.png")
    case.more = [{"image_dir": str(reg), "class_tokens": "person", "is_reg": True}]
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


def test_faces_share_a_caption(case):
    case.first.rename(case.picture("ухо 0_1_2_3_4"))
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


def test_a_caption_of_no_picture_is_a_warning(case):
    (case.images / "gone.txt").write_text("a person")
    assert case.errors == []
    assert "1 .txt files in" in case.warnings[0]
    assert "belong to no image: gone.txt." in case.warnings[0]


def test_captions_replace_class_tokens(case):
    case.subset["class_tokens"] = "myface person"
    first_caption(b"MyFace person")(case)
    assert case.errors == []
    assert "1 of 2 captions lack 'myface'" in case.warnings[0]
    case.subset["caption_prefix"] = "myface,"
    assert case.warnings == []


SETTINGS = {
    "dropout beside masks": ({"caption_dropout_every_n_epochs": 5}, True, "drops captions in every step"),
    "warm-up beside masks": ({"token_warmup_step": 10}, True, "'token_warmup_step' drops captions"),
    "dropout": ({"caption_dropout_every_n_epochs": 5}, False, ""),
    "prefix": ({"caption_prefix": "x"}, False, ""),
}


@pytest.mark.parametrize(("subset", "masks", "sentence"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_sd_scripts_passes_over(case, subset, masks, sentence):
    if masks:
        case.add_masks()
    case.subset |= subset
    errors = case.errors
    assert len(errors) == bool(sentence), errors
    assert sentence in "".join(errors)


def test_a_separator_is_taken_out_only_where_tags_are_shuffled(case):
    first_caption(b"myface ||| red, blue")(case)
    case.subset["keep_tokens_separator"] = "|||"
    assert "||| stays in the captions." in case.errors[0]
    case.subset["shuffle_caption"] = True
    assert case.errors == []


PROSE = b"A woman with short hair looks to the side, while the sun sets behind the hills of the town."


def test_sentences_should_not_be_shuffled(case):
    case.subset["shuffle_caption"] = True
    assert case.warnings == []
    first_caption(PROSE)(case)
    assert "shuffle_caption tears sentences apart" in case.warnings[0]


def test_sides_and_flips(case):
    case.subset["flip_aug"] = True
    first_caption(b"a left ear")(case)
    assert any("left or right" in warning for warning in case.warnings)


LENGTHS = {
    "short": (75, {}, 0, 0),
    "one too many": (76, {}, 1, 0),
    "room for it": (150, {"max_token_length": 150}, 0, 0),
    "not enough room": (226, {"max_token_length": 225}, 1, 0),
    "in another order each time": (90, {"shuffle_caption": True}, 0, 1),
    "with weights": (90, {"weighted_captions": True}, 0, 0),
    "with a prefix": (75, {"caption_prefix": "more"}, 1, 0),
}


@pytest.mark.parametrize(("words", "settings", "errors", "warnings"), LENGTHS.values(), ids=LENGTHS)
def test_what_is_cut_off_is_an_error(case, words, settings, errors, warnings, monkeypatch):
    monkeypatch.setattr(caption_text, "_counter", lambda view: fewest_tokens)
    text = " ".join(["ear"] * words) if "shuffle_caption" not in settings else "ear, " * (words // 2)
    first_caption(text.encode())(case)
    for key, value in settings.items():
        (case.subset if "caption_" in key or "_caption" in key else case.train)[key] = value
    if "weighted_captions" in settings:
        case.subset.pop("weighted_captions", None)
        case.train["weighted_captions"] = True
    report = case.check()
    assert (len(report.errors), len(report.warnings)) == (errors, warnings), (report.errors, report.warnings)


def test_without_a_vocabulary_a_long_caption_is_a_warning(case, monkeypatch):
    monkeypatch.setattr(caption_text, "_counter", lambda view: usual_tokens)
    first_caption(b" ".join([b"ear"] * 70))(case)
    assert case.errors == []
    assert "has more than 75 tokens" in case.warnings[0]


def test_clip_makes_no_fewer_tokens():
    assert fewest_tokens("a red ear, 12 cm") == 7
    assert fewest_tokens("it's (masterpiece:1.2), blue_eyes") == 12
    assert fewest_tokens("") == 0


def test_the_vocabulary_of_the_training_is_asked(tmp_path, case):
    pieces = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        pieces |= {letter: len(pieces), f"{letter}</w>": len(pieces) + 1}
    folder = tmp_path / "tokenizers" / "openai_clip-vit-large-patch14"
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(pieces))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    assert tokenizer_folder(str(tmp_path / "tokenizers")) == folder
    assert exact_counter(folder)("red ear") == 6
    case.train["tokenizer_cache_dir"] = str(tmp_path / "tokenizers")
    first_caption(b" ".join([b"ears"] * 40))(case)
    assert "has more than 75 tokens" in case.errors[0]
    first_caption(b" ".join([b"ears"] * 18))(case)
    assert case.errors == []
