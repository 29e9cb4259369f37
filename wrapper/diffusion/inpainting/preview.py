"""A look at a mask before anything is painted: what is repainted, its soft edge, and what the model sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.files import check_place, whole_file
from wrapper.diffusion.inpainting.feather import feather_bands, feathered_box
from wrapper.diffusion.inpainting.inpaint import InpaintSettings, seen_region
from wrapper.diffusion.inpainting.region import Region, resize
from wrapper.diffusion.pictures.infotext import PROGRAM

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

RED, WHITE, FRAME = (235, 40, 50), (255, 255, 255), (255, 214, 10)
TINT = 0.6
SIDE_PX = 1600
"""A larger photograph is shown reduced."""
SOFTWARE = "Software"


def draw_preview(image: np.ndarray, mask: np.ndarray, settings: InpaintSettings) -> Image:
    """``image`` [H, W, 3] with the part to repaint in red, edged white, and a frame about what is seen."""
    import numpy as np
    from PIL import Image, ImageDraw

    height, width = mask.shape
    scale = min(1.0, SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    share = resize(_share(mask, settings.mask_blur_px), size)[..., None] * (TINT / 255)
    shown = resize(image, size) * (1 - share) + np.array(RED) * share
    inside = share[..., 0] > TINT / 2
    shown[np.diff(inside, axis=0, prepend=False) | np.diff(inside, axis=1, prepend=False)] = WHITE
    picture = Image.fromarray(np.rint(shown).astype(np.uint8))
    box = _scaled(seen_region(mask, settings), size[0] / width, size[1] / height)
    ImageDraw.Draw(picture).rectangle(box, outline=FRAME, width=max(2, round(max(size) / 400)))
    return picture


def save_marked(path: Path, picture: Image) -> None:
    """Write a PNG that says that this program made it, so that it may be written over later."""
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text(SOFTWARE, PROGRAM)
    with whole_file(path) as temporary:
        picture.save(temporary, "PNG", pnginfo=chunks)


def check_marked(path: Path) -> None:
    """Raise `UserError` when `save_marked` could not write ``path``, or would write over a user's file."""
    check_place(path)
    if path.suffix.lower() != ".png":
        raise UserError(f"{path.name}: masks and previews are saved as .png.", "Give the file that end.")
    if path.exists() and not _is_marked(path):
        raise UserError(f"{path}: is there already and was not made by lorawrap.", "Give another name.")


def _is_marked(path: Path) -> bool:
    from PIL import Image

    if not path.is_file():
        return False
    try:
        with Image.open(path) as image:
            return str(image.info.get(SOFTWARE, "")).startswith(PROGRAM.split()[0])
    except OSError:
        return False


def _share(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """`feather.feather` as uint8 [H, W], a quarter of the memory."""
    import numpy as np

    found = np.zeros(mask.shape, np.uint8)
    for band, share in feather_bands(mask, feathered_box(mask, radius_px), radius_px):
        band.cut(found)[...] = np.rint(share * 255)
    return found


def _scaled(region: Region, across: float, down: float) -> tuple[float, float, float, float]:
    return region.x0 * across, region.y0 * down, region.x1 * across - 1, region.y1 * down - 1
