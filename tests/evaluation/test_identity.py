"""Faces by an ONNX network whose embedding is the mean colour, so that every similarity is known."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from tests.evaluation.onnx_file import write_mean_colour
from wrapper.evaluation.measures.identity import FaceModel, face, mean_direction, similarity

RED, GREEN = (255, 127.5, 127.5), (127.5, 255, 127.5)


@pytest.fixture
def model(tmp_path):
    return FaceModel(write_mean_colour(tmp_path / "лицо 'w600k'.onnx"))


def plain(colour, height=130, width=120):
    return np.full((height, width, 3), colour).round().astype(np.uint8)


def test_the_embedding_is_the_networks_at_length_one(model):
    expected = (np.array([255, 128, 128]) - 127.5) / 127.5
    assert np.allclose(model.embed(plain(RED)), expected / np.linalg.norm(expected), atol=1e-5)


def test_the_same_colour_is_the_same_person_and_another_is_not(model):
    person = mean_direction([model.embed(plain(RED)), model.embed(plain(RED, 300, 200))])
    assert similarity(model.embed(plain(RED)), person) == pytest.approx(1, abs=1e-6)
    assert similarity(model.embed(plain(GREEN)), person) == pytest.approx(0, abs=0.02)


def test_the_mean_direction_lies_between(model):
    person = mean_direction([model.embed(plain(RED)), model.embed(plain(GREEN))])
    assert similarity(model.embed(plain(RED)), person) == pytest.approx(2**-0.5, abs=0.01)


def test_channels_are_red_green_blue_and_pixels_are_scaled_as_asked(tmp_path):
    path = write_mean_colour(tmp_path / "f.onnx")
    assert np.allclose(FaceModel(path, "0..255").embed(plain((200, 100, 50))), np.array([4, 2, 1]) / 21**0.5)


def test_the_box_is_taken_and_else_the_middle_square():
    picture = plain((10, 10, 10), 100, 200)
    picture[20:60, 120:160] = 250
    assert face(picture, (120, 20, 160, 60)).min() == 250
    assert face(picture, (160, 20, 240, 60)).shape == (112, 112, 3)
    assert np.array_equal(face(picture, None), face(picture[:, 50:150], None))


def test_what_is_no_network_is_refused(tmp_path, model):
    (tmp_path / "x.onnx").write_bytes(b"rubbish")
    with pytest.raises(UserError, match=r"x\.onnx: OpenCV cannot run this network"):
        FaceModel(tmp_path / "x.onnx")
    with pytest.raises(UserError, match="no such face-embedding network"):
        FaceModel(tmp_path / "gone.onnx")
    with pytest.raises(UserError, match="no embedding"):
        FaceModel(model.path, "0..255").embed(plain((0, 0, 0)))
