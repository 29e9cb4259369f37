"""The held-out split: the manifest's word, seeded choice, duplicates together."""

from __future__ import annotations

import pytest

from dataset_tools.building.split import held_out, leaders
from dataset_tools.errors import UserError
from tests.dataset_tools.test_captions import row


def rows(count: int, **values):
    return [row(image=f"{index:02d}.png", subject=f"s{index // 2}", **values) for index in range(count)]


def alone(given):
    return {one.image: one.image for one in given}


def test_the_manifest_is_taken_at_its_word():
    given = [row(image="a.png", split="holdout"), row(image="b.png", split="train"), row(image="c.png")]
    assert held_out(given, "manifest", 0.5, 1, alone(given)) == {"a.png"}
    assert held_out(given, "none", 0.5, 1, alone(given)) == set()


def test_a_share_of_the_images_is_chosen_by_seed():
    given = rows(20)
    first = held_out(given, "image", 0.25, 1, alone(given))
    assert len(first) == 5
    assert first == held_out(given[::-1], "image", 0.25, 1, alone(given))
    assert first != held_out(given, "image", 0.25, 2, alone(given))


def test_rows_that_say_train_are_never_chosen():
    given = [*rows(4), *(row(image=f"t{index}.png", split="train") for index in range(20))]
    assert held_out(given, "image", 0.5, 1, alone(given)) <= {f"{index:02d}.png" for index in range(4)}


def test_a_subject_is_held_out_whole():
    given = rows(20)
    chosen = held_out(given, "subject", 0.2, 1, alone(given))
    assert len(chosen) == 4
    subjects = {one.subject for one in given if one.image in chosen}
    assert chosen == {one.image for one in given if one.subject in subjects}


def test_images_with_a_mask_are_preferred():
    given = rows(20)
    assert held_out(given, "image", 0.5, 1, alone(given), ["03.png", "04.png"]) < {"03.png", "04.png"}


def test_duplicates_stay_together():
    given = rows(10)
    groups = alone(given) | {f"{index:02d}.png": "00.png" for index in range(5)}
    chosen = held_out(given, "image", 0.9 / 6 * 5, 1, groups)
    together = {f"{index:02d}.png" for index in range(5)}
    assert together <= chosen or not together & chosen


def test_duplicates_of_duplicates_lead_to_one_image():
    assert leaders({"a": None, "b": "a", "c": "b", "x": None}) == {"a": "a", "b": "a", "c": "a", "x": "x"}
    assert leaders({"a": "b", "b": "a"}) == {"a": "a", "b": "a"}


@pytest.mark.parametrize("mode", ["subject", "image"])
def test_a_split_that_leaves_nothing_to_train_on_is_refused(mode):
    given = [row(image="a.png")]
    with pytest.raises(UserError, match="none left to train on"):
        held_out(given, mode, 0.2, 1, alone(given))
