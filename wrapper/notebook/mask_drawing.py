"""A mask drawn by hand in the page of a Colab notebook."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

from dataset_tools.files import whole_file
from wrapper.notebook.colab import colab
from wrapper.notebook.stop import Stop
from wrapper.places import shipped

SHOWN_PX = 768
"""The longer side of the picture that is drawn on."""
_PREFIX = "data:image/png;base64,"


def draw_mask(image: Path, target: Path) -> Path:
    """Let the user paint over ``image``, and write what was painted, white on black, to ``target``.

    The mask has the upright picture's size. Raises `Stop` outside of Colab, and when nothing was painted.
    """
    from PIL import Image

    output = colab("output")
    if output is None:
        raise Stop("Drawing a mask here works in Colab only.", "Give a mask file, or a shape.")
    answer = str(output.eval_js(page(image)))
    with Image.open(BytesIO(base64.b64decode(answer.removeprefix(_PREFIX)))) as painted:
        mask = painted.convert("L").resize(_upright_size(image)).point(lambda level: 255 * (level > 127))
    if mask.getbbox() is None:
        raise Stop("Nothing was painted.", "Paint over what is to be repaired, then press 'Done'.")
    with whole_file(target) as temporary:
        mask.save(temporary)
    return target


def page(image: Path) -> str:
    """The script that shows ``image``, lets it be painted on, and answers with the painted part."""
    from PIL import Image, ImageOps

    stream = BytesIO()
    with Image.open(image) as opened:
        shown = ImageOps.exif_transpose(opened).convert("RGB")
    scale = SHOWN_PX / max(shown.size)
    shown = shown.resize((round(shown.width * scale), round(shown.height * scale)))
    shown.save(stream, "jpeg", quality=90)
    script = (shipped("templates") / "notebook" / "mask_canvas.js").read_text(encoding="utf-8")
    return script.replace("PICTURE", base64.b64encode(stream.getvalue()).decode())


def _upright_size(image: Path) -> tuple[int, int]:
    from PIL import Image, ImageOps

    with Image.open(image) as opened:
        return ImageOps.exif_transpose(opened).size
