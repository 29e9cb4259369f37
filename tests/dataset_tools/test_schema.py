"""What a manifest row may say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dataset_tools.errors import UserError
from dataset_tools.manifests.schema import BUCKET_KEYS, UNSET, Consent, ManifestRow, choices
from tests.dataset_tools.rows import row, values


def test_a_string_is_read_as_the_id_of_the_subjects_own_consent():
    assert row(consent="C-17").consent == Consent(id="C-17", by="subject")


def test_an_en_dash_in_an_age_is_a_hyphen():
    assert row(age="18–22").age == "18-22"


def test_paths_are_kept_relative_with_forward_slashes():
    assert row(image="./photos//a 'b' 📷.png").image == "photos/a 'b' 📷.png"


@pytest.mark.parametrize(
    "image", ["../a.png", "a/../../b.png", "/etc/a.png", "C:\\a.png", "..\\a.png", "", "a\0b"]
)
def test_a_path_out_of_the_manifests_folder_is_refused(image):
    with pytest.raises(ValidationError):
        row(image=image)
    with pytest.raises(ValidationError):
        row(mask=image)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"subject": "  "},
        {"consent": ""},
        {"consent": 17},
        {"consent": {"by": "guardian"}},
        {"consent": {"id": "C", "by": "neighbour"}},
        {"age": "36-40"},
        {"age": 26},
        {"view": "profile left"},
        {"ear_visible": "yes"},
        {"ear_box": [1, 2, 3]},
        {"ear_box": [5, 5, 5, 9]},
        {"ear_box": [-1, 0, 5, 9]},
        {"ear_box": ["1", "2", "3", "4"]},
        {"type": "ear", "ear_side": "none"},
        {"mask": "photos/один.png"},
        {"tags": {"age": "12"}},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(changes):
    with pytest.raises(ValidationError):
        row(**changes)


@pytest.mark.parametrize("key", ["image", "subject", "consent", "age", "view", "type", "ear_side"])
def test_what_a_row_must_have(key):
    with pytest.raises(ValidationError, match=key):
        row(**{key: None})


def test_every_bucket_key_has_a_value_and_an_optional_one_is_unset():
    made = row(tags={"session": "May"}, skin_tone="olive")
    assert {key: made.bucket(key) for key in BUCKET_KEYS} == {
        "age": "26-30",
        "pose": "standing",
        "view": "front",
        "type": "bust",
        "ear_side": "both",
        "occlusion": "none",
        "client_class": UNSET,
        "skin_tone": "olive",
        "ear_shape": UNSET,
        "lobe": UNSET,
        "subject": "anna",
    }
    assert made.bucket("session") == "May"


def test_an_unknown_bucket_key_gets_the_nearest_one():
    with pytest.raises(UserError, match="ear_sides") as caught:
        row().bucket("ear_sides")
    assert "ear_side" in caught.value.hint


def test_choices_are_those_of_the_schema():
    for field in ("age", "pose", "view", "type", "ear_side", "occlusion", "client_class", "split"):
        for value in choices(field):
            extra = {"type": "bust"} if field == "ear_side" else {}
            guardian = {"consent": {"id": "C", "by": "guardian"}} if value == "15-17" else {}
            assert getattr(row(**{**extra, **guardian, field: value}), field) == value
    assert choices("subject") == ()


def test_a_row_does_not_change():
    with pytest.raises(ValidationError):
        row().age = "18-22"  # type: ignore[misc]
    assert ManifestRow.model_validate(values()) == row()
