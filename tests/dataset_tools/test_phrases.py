"""The prompt library knows every bucket of the schema, and says what it lacks."""

from __future__ import annotations

import pytest

from dataset_tools.captioning.captions import render_caption
from dataset_tools.captioning.phrases import library, negative, phrase, template, words
from dataset_tools.errors import UserError
from dataset_tools.manifests.safety import refuse_prompt
from dataset_tools.manifests.schema import choices
from tests.dataset_tools.test_captions import row


@pytest.mark.parametrize("kind", ["view", "pose", "type", "age", "occlusion", "client_class"])
def test_every_value_of_the_schema_has_its_words(kind: str):
    assert set(library()["words"][kind]) == set(choices(kind))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("ear_shape", {"protruding", "flat", "average"}),
        ("lobe", {"attached", "detached", "small"}),
        ("skin_tone", {"fair", "light beige", "warm beige", "olive", "medium tan", "deep warm"}),
    ],
)
def test_the_missions_words_are_there(kind: str, values: set[str]):
    assert set(library()["words"][kind]) == values


@pytest.mark.parametrize(
    ("kind", "value", "side", "expected"),
    [
        ("ear_shape", "protruding", "left", "slightly protruding left ear"),
        ("ear_shape", "flat", "", "flat-attached ear"),
        ("ear_shape", "pointed", "right", "pointed right ear"),
        ("skin_tone", "porcelain", "", "porcelain skin"),
        ("age", "15-17", "", ""),
        ("occlusion", "none", "left", ""),
    ],
)
def test_phrases(kind: str, value: str, side: str, expected: str):
    assert phrase(kind, value, side) == expected


def test_two_ears_are_plural():
    both = words(row(view="front", ear_side="both", ear_shape="average", occlusion="hair"))
    assert both["ear"] == "average ears, small earlobe"
    assert both["occlusion"] == "hair partly over ears"


def test_no_words_of_the_library_ask_for_a_minor():
    for kind, values in library()["words"].items():
        for value in values:
            refuse_prompt(phrase(kind, value, "left"))
    for name in library()["templates"]:
        refuse_prompt(render_caption(row(prompt="portrait"), name, "myface", "person"))


def test_negatives_cover_what_goes_wrong_with_ears():
    text = negative()
    for fault in ("plastic skin", "waxy skin", "oversized ear", "extra ears", "wrong ear geometry"):
        assert fault in text
    assert negative(["size"]) == "oversized ear"


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: negative(["skni"]), "'skin'"),
        (lambda: phrase("veiw", "front"), "'view'"),
        (lambda: template("portraits"), "'portrait'"),
    ],
)
def test_what_is_missing_is_named_with_the_nearest(call, hint: str):
    with pytest.raises(UserError) as caught:
        call()
    assert hint in caught.value.hint
