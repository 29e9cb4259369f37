"""Which pictures are copies of which."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.pictures.images import decode
from dataset_tools.quality.duplicates import find_duplicates, fingerprint
from tests.dataset_tools.spoiled import astronaut, jpeged, photographs, relit

PHOTOGRAPHS = photographs()


def copies(rgb: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "mirrored": rgb[:, ::-1],
        "turned": np.rot90(rgb),
        "upside down and mirrored": rgb[::-1],
        "smaller": rgb[::2, ::2],
        "re-lit": relit(rgb, 0.8, 10),
        "saved again": jpeged(rgb, 60),
    }


@pytest.mark.parametrize("kind", copies(astronaut()))
def test_an_alike_copy_is_found_beside_others(kind):
    others = [p for name, p in PHOTOGRAPHS.items() if name != "astronaut"]
    pictures = [*others, astronaut(), np.ascontiguousarray(copies(astronaut())[kind])]
    found = find_duplicates([fingerprint(p) for p in pictures], 0.7)
    assert list(found) == [len(pictures) - 1]
    match = found[len(pictures) - 1]
    assert match.original == len(others)
    assert not match.equal


def test_equal_pixels_are_equal_and_the_first_is_the_original():
    prints = [None, *(fingerprint(p) for p in (astronaut(), PHOTOGRAPHS["cat"], astronaut(), astronaut()))]
    found = find_duplicates(prints, None)
    assert {index: (match.original, match.equal) for index, match in found.items()} == {
        3: (1, True),
        4: (1, True),
    }


def test_two_photographs_of_one_scene_are_not_the_same():
    from pathlib import Path

    import skimage.data

    folder = Path(skimage.data.__file__).parent
    pair = [decode(folder / f"motorcycle_{side}.png").rgb for side in ("left", "right")]
    assert find_duplicates([fingerprint(p) for p in pair], 0.9) == {}


def test_blank_pictures_of_different_colours_are_not_alike():
    blank = [np.full((40, 40, 3), value, np.uint8) for value in (0, 100, 255)]
    assert find_duplicates([fingerprint(p) for p in blank], 0.98) == {}
