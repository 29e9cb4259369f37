"""The photographs of docs/SDXL_FACE.md: seven of one drawn woman; and the settings that the guide shows."""

from __future__ import annotations

import re
from pathlib import Path

import toml
from PIL import Image

from benchmarks.guides.photographs import portraits

SEED = 33
FACE_VIEWS = ("front", "front", "front", "front", "profile_left", "profile_left", "profile_right")
GUIDE = Path(__file__).parents[2] / "docs" / "SDXL_FACE.md"


def write_face(root: Path) -> Path:
    """``mira/<view>/NN.jpg`` below ``root``."""
    for number, (view, rgb, _) in enumerate(portraits(FACE_VIEWS, seed=SEED)):
        path = root / "mira" / view / f"{number:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(path, quality=95)
    return root / "mira"


def take_settings(project_file: Path) -> None:
    """Put the guide's tables over those of ``project_file``, as its reader does by hand."""
    blocks = re.findall(r"^```toml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    data = toml.loads(project_file.read_text(encoding="utf-8"))
    for name, table in toml.loads(blocks[0]).items():
        data[name] = {**data[name], **table}
    project_file.write_text(toml.dumps(data), encoding="utf-8")
