"""Is it the same person? By the user's face-embedding network: ONNX, as InsightFace's ArcFace files are.

OpenCV runs the network, so nothing needs to be installed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

Pixels = Literal["-1..1", "0..255"]
Box = tuple[int, int, int, int]
SIDE_PX = 112
"""ArcFace's input (Deng et al. 2019)."""
_SCALES: dict[Pixels, tuple[float, float]] = {"-1..1": (1 / 127.5, 127.5), "0..255": (1.0, 0.0)}


class FaceModel:
    """``pixels`` says what the network takes: most take −1..1, some subtract inside of themselves."""

    def __init__(self, path: Path, pixels: Pixels = "-1..1") -> None:
        import cv2

        if not path.is_file():
            raise UserError(f"{path}: there is no such face-embedding network.", "Give an .onnx file.")
        self.path, self.pixels = path, pixels
        try:
            self.network: Any = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise self._refusal(error) from error

    def embed(self, picture: np.ndarray, box: Box | None = None) -> np.ndarray:
        """The face's direction, float64 [D] of length 1, in a uint8 picture [H, W, 3].

        ``box`` (x0, y0, x1, y1) holds the face; without one the largest square in the middle does.
        """
        import cv2
        import numpy as np

        factor, shift = _SCALES[self.pixels]
        blob = cv2.dnn.blobFromImage(face(picture, box), factor, (SIDE_PX, SIDE_PX), (shift,) * 3)
        self.network.setInput(blob)
        try:
            found = np.asarray(self.network.forward(), np.float64).ravel()
        except cv2.error as error:
            raise self._refusal(error) from error
        length = float(np.linalg.norm(found))
        if not np.isfinite(length) or length == 0:
            raise UserError(f"{self.path}: gives no embedding for a picture.", "Try face_pixels = '0..255'.")
        return found / length

    def _refusal(self, error: Exception) -> UserError:
        reason = str(error).strip().splitlines()[-1]
        return UserError(
            f"{self.path}: OpenCV cannot run this network ({reason}).",
            f"It must be an ONNX file that takes [1, 3, {SIDE_PX}, {SIDE_PX}], as InsightFace's recognition "
            "models do.",
        )


def face(picture: np.ndarray, box: Box | None) -> np.ndarray:
    """The square around ``box``, else the picture's middle square, uint8 [112, 112, 3]."""
    import cv2

    height, width = picture.shape[:2]
    left, top, right, bottom = box or (0, 0, width, height)
    side = max(right - left, bottom - top) if box else min(height, width)
    side = max(1, min(side, height, width))
    x = min(max((left + right - side) // 2, 0), width - side)
    y = min(max((top + bottom - side) // 2, 0), height - side)
    cut = picture[y : y + side, x : x + side]
    method = cv2.INTER_AREA if side >= SIDE_PX else cv2.INTER_CUBIC
    return cv2.resize(cut, (SIDE_PX, SIDE_PX), interpolation=method)


def mean_direction(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """The photographs' common direction: the mean of unit vectors, at length 1."""
    import numpy as np

    mean = np.mean(embeddings, axis=0)
    return mean / np.linalg.norm(mean)


def similarity(embedding: np.ndarray, person: np.ndarray) -> float:
    """The cosine of two directions, −1..1."""
    return float(embedding @ person)
