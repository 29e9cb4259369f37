"""A person's pose by ViTPose (Xu et al. 2022), drawn as OpenPose draws it (Cao et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.diffusion.conditions.local_model import load_local, run_local

if TYPE_CHECKING:
    import numpy as np

CERTAIN = 0.3
"""Points of the body that the model scores lower are not drawn."""
COCO = (
    *("nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow"),
    *("l_wrist", "r_wrist", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle"),
)
"""The 17 points of COCO, in ViTPose's order; left is the person's left."""
JOINTS = (
    *("nose", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "r_hip"),
    *("r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "r_eye", "l_eye", "r_ear", "l_ear"),
)
"""OpenPose's 18 points; the place of each gives its colour."""
LIMBS = (
    ("neck", "r_shoulder"),
    ("neck", "l_shoulder"),
    ("r_shoulder", "r_elbow"),
    ("r_elbow", "r_wrist"),
    ("l_shoulder", "l_elbow"),
    ("l_elbow", "l_wrist"),
    ("neck", "r_hip"),
    ("r_hip", "r_knee"),
    ("r_knee", "r_ankle"),
    ("neck", "l_hip"),
    ("l_hip", "l_knee"),
    ("l_knee", "l_ankle"),
    ("neck", "nose"),
    ("nose", "r_eye"),
    ("r_eye", "r_ear"),
    ("nose", "l_eye"),
    ("l_eye", "l_ear"),
)
LIMB_LIGHT = 0.6
THICKNESS = 4 / 512
"""Half the width of a limb and a joint's radius, as a share of the shorter side."""

Pose = Mapping[str, tuple[float, float]]


def find_pose(pixels: np.ndarray, folder: Path) -> Pose:
    """Points (x, y) in pixels of the one person on a photograph uint8 [H, W, 3], who may fill all of it.

    Raises `UserError` when no point is certain.
    """
    import numpy as np
    import torch

    model, processor = load_local(folder, "VitPoseForPoseEstimation", "a ViTPose model")
    height, width = pixels.shape[:2]
    box = np.array([[0.0, 0.0, float(width), float(height)]])
    inputs = processor(images=pixels, boxes=[box], return_tensors="pt")
    if getattr(model.config.backbone_config, "num_experts", 1) > 1:
        inputs["dataset_index"] = torch.tensor([0])  # the expert for COCO
    (people,) = processor.post_process_pose_estimation(run_local(model, **inputs), boxes=[box])
    return named_points(people[0])


def named_points(person: Mapping[str, Any]) -> Pose:
    """The certain ones of COCO's points by name, and the neck between the shoulders."""
    points = {
        COCO[int(label)]: (float(point[0]), float(point[1]))
        for label, point, score in zip(person["labels"], person["keypoints"], person["scores"], strict=True)
        if float(score) >= CERTAIN and int(label) < len(COCO)
    }
    if not points:
        raise UserError("No person's pose was found on the photograph.", "Give a ready-made pose image.")
    if {"l_shoulder", "r_shoulder"} <= set(points):
        left, right = points["l_shoulder"], points["r_shoulder"]
        points["neck"] = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
    return points


def draw_pose(pose: Pose, size_hw: tuple[int, ...]) -> np.ndarray:
    """OpenPose's drawing on black, uint8 [H, W, 3]."""
    import cv2
    import numpy as np

    canvas = np.zeros((*size_hw[:2], 3), np.uint8)
    radius = max(1, round(min(size_hw[:2]) * THICKNESS))
    for place, (first, second) in enumerate(LIMBS):
        if first in pose and second in pose:
            colour = [int(value * LIMB_LIGHT) for value in _colour(place)]
            _limb(canvas, pose[first], pose[second], radius, colour)
    for name, (x, y) in pose.items():
        cv2.circle(canvas, (round(x), round(y)), radius, _colour(JOINTS.index(name)), -1)
    return canvas


def _limb(
    canvas: np.ndarray, start: tuple[float, float], end: tuple[float, float], radius: int, colour: list[int]
) -> None:
    """An ellipse from joint to joint."""
    import cv2
    import numpy as np

    across, down = end[0] - start[0], end[1] - start[1]
    middle = round((start[0] + end[0]) / 2), round((start[1] + end[1]) / 2)
    axes = max(1, round(float(np.hypot(across, down)) / 2)), radius
    cv2.ellipse(canvas, middle, axes, float(np.degrees(np.arctan2(down, across))), 0, 360, colour, -1)


def _colour(place: int) -> tuple[int, int, int]:
    """OpenPose's 18 colours, evenly around the colour wheel: red, green, blue."""
    wheel = (0, 85, 170, 255)
    third, step = divmod(place, 6)
    up, down = (255, wheel[step]) if step < 3 else (wheel[6 - step], 255)
    red_green_blue = [0, 0, 0]
    red_green_blue[third] = up
    red_green_blue[(third + 1) % 3] = down
    return red_green_blue[0], red_green_blue[1], red_green_blue[2]
