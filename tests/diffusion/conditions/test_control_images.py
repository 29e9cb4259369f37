"""Control images: cropped, cut with the photograph, and made from photographs by small random models."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.pictures.images import save_png
from tests.condition_models import make_depth_model, make_pose_model
from wrapper.diffusion.conditions import pose as pose_module
from wrapper.diffusion.conditions.conditions import Control
from wrapper.diffusion.conditions.control_image import Seen, control_image, crop_and_resize, crop_note, fitted
from wrapper.diffusion.conditions.depth import depth_image, depth_of, nearness, normal_image
from wrapper.diffusion.conditions.pose import draw_pose, find_pose, named_points
from wrapper.diffusion.conditions.preprocessors import edges, preprocess
from wrapper.diffusion.inpainting.region import Region


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)


def columns(width, height):
    """Each pixel's red is its column."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)
    return image


def test_what_is_over_is_cut_off_on_both_sides():
    cropped = crop_and_resize(columns(100, 40), (40, 40))
    assert cropped.shape == (40, 40, 3)
    assert (cropped[0, 0, 0], cropped[0, -1, 0]) == (30, 69)


@pytest.mark.parametrize("size", [(40, 40), (16, 64), (200, 80), (8, 8)])
def test_every_size_is_covered(size):
    assert crop_and_resize(columns(50, 20), size).shape == (size[1], size[0], 3)


def test_the_part_of_the_photograph_that_is_seen_is_cut_out_of_its_control_image():
    seen = Seen((200, 100), Region(50, 20, 90, 60))
    part = fitted(columns(200, 100), (40, 40), seen)
    assert part.shape == (40, 40, 3)
    assert (part[0, 0, 0], part[0, -1, 0]) == (50, 89)
    halved = fitted(columns(100, 50), (40, 40), seen)
    assert abs(int(halved[0, 20, 0]) - 35) <= 1


def test_another_shape_is_told_and_the_same_is_not():
    assert "its image of 100×40 is cropped to the shape of 40×40" in crop_note(
        "depth", columns(100, 40), (40, 40)
    )
    assert crop_note("depth", columns(201, 80), (100, 40)) == ""


def test_edges_are_where_the_picture_changes():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255
    found = edges(image)
    assert set(np.flatnonzero(found[..., 0].any(0))) <= {19, 20}
    assert found.max() == 255


def ball(side=101):
    """Nearness of a ball before a wall."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return np.sqrt(np.clip(1 - (x / 0.8) ** 2 - (y / 0.8) ** 2, 0, None)).astype(np.float32)


def test_normals_of_a_ball_are_red_to_the_left_green_above_and_blue_in_the_middle():
    normals = normal_image(ball()).astype(int)
    left, right, above, below = normals[50, 25], normals[50, 75], normals[25, 50], normals[75, 50]
    assert left[0] > 170 > 85 > right[0]
    assert above[1] > 170 > 85 > below[1]
    assert np.abs(normals[50, 50] - (128, 128, 255)).max() <= 1
    assert np.abs(normals[0, 0] - (128, 128, 255)).max() <= 1


def test_normals_have_the_slope_of_the_surface():
    slope = np.tile(np.linspace(0, 1, 101, dtype=np.float32), (101, 1))
    red, _, blue = normal_image(slope)[50, 50] / 127.5 - 1
    assert red / blue == pytest.approx(0.5 * 101 / 100, abs=0.02)


def test_depth_of_a_local_model_fills_its_range(photo, tmp_path):
    depth = depth_of(photo, make_depth_model(tmp_path / "глубина ☕"))
    assert (depth.shape, depth.min(), depth.max()) == ((60, 80), 0, 1)
    assert depth_image(depth).max() == 255


def test_a_model_of_distances_is_turned_into_nearness():
    distances = np.array([[1.0, 2.0, 4.0]])
    assert nearness(distances, metric=True) == pytest.approx(np.array([[1, 1 / 3, 0]]))
    assert nearness(distances, metric=False) == pytest.approx(np.array([[0, 1 / 3, 1]]))
    assert not nearness(np.ones((2, 2)), metric=True).any()


def test_a_pose_of_a_local_model_is_found_and_drawn(photo, tmp_path, monkeypatch):
    monkeypatch.setattr(pose_module, "CERTAIN", -10)
    found = find_pose(photo, make_pose_model(tmp_path))
    assert len(found) == 18
    assert draw_pose(found, photo.shape).shape == photo.shape


def test_points_that_are_not_certain_are_left_out_and_the_neck_is_between_the_shoulders():
    labels = list(range(17))
    scores = [0.9 if label in (0, 5, 6) else 0.1 for label in labels]
    points = [(10 * label, 20) for label in labels]
    found = named_points({"labels": labels, "keypoints": points, "scores": scores})
    assert found == {"nose": (0, 20), "l_shoulder": (50, 20), "r_shoulder": (60, 20), "neck": (55, 20)}
    with pytest.raises(UserError, match="No person's pose"):
        named_points({"labels": labels, "keypoints": points, "scores": [0.1] * 17})


def test_a_pose_has_openposes_colours():
    drawn = draw_pose({"neck": (20, 20), "r_shoulder": (60, 20)}, (512, 512))
    assert tuple(drawn[20, 20]) == (255, 85, 0)
    assert tuple(drawn[20, 60]) == (255, 170, 0)
    assert tuple(drawn[20, 40]) == (153, 0, 0)


def test_a_ready_made_image_stays_as_it_is_and_a_photograph_is_prepared(photo, tmp_path):
    save_png(tmp_path / "a.png", photo)
    ready = Control("canny", tmp_path / "a.png", tmp_path)
    assert np.array_equal(control_image(ready), photo)
    made = Control("canny2", tmp_path / "a.png", tmp_path, preprocessor="canny")
    assert np.array_equal(control_image(made), edges(photo))


@pytest.mark.parametrize(
    ("kind", "model", "said"),
    [
        ("depth", "canny", "do not go together"),
        ("canny", "folder", "do not go together"),
        ("seg", "folder", "cannot be made from a photograph"),
        ("depth", "empty", "does not hold a depth model"),
        ("openpose", "empty", "does not hold a ViTPose model"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(kind, model, said, photo, tmp_path):
    with pytest.raises(UserError, match=said):
        preprocess(photo, kind, model if model == "canny" else str(tmp_path))
