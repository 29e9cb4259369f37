"""A large photograph is repainted in memory that goes by its size alone: a few bytes a pixel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.peak_memory import needs_linux

ROOT = Path(__file__).parents[3]
WIDTH, HEIGHT = 6000, 4000
MOST_BYTES_A_PIXEL = 12
"""3 for the pixels, 4 for Pillow's own while it reads or writes, 1 for the mask, 3 for what is painted."""
CHILD = """
import sys
from pathlib import Path
from wrapper.cli.main import run

def status(name):
    return int(Path("/proc/self/status").read_text().split(name)[1].split()[0]) * 1024

base, folder = sys.argv[1], Path(sys.argv[2])
options = ["--prompt", "ear", "--seed", "1", "--steps", "1", "--region", "whole"]
for name in ("small", "large"):
    files = ["--image", str(folder / f"{name}.png"), "--out", str(folder / f"{name} new.png")]
    shape = ["--shape", "ellipse:50%,50%,20%,30%", "--mask-grow", "30"]
    before = status("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    assert run(["inpaint", "--base", base, *files, *shape, *options]) == 0
print(status("VmHWM:") - before)
"""


@needs_linux
def test_24_megapixels_take_a_few_bytes_each(tiny_base, tmp_path):
    row = (np.arange(WIDTH) % 251).astype(np.uint8)
    picture = Image.fromarray(np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3)).copy())
    picture.save(tmp_path / "large.png", compress_level=1)
    picture.crop((0, 0, 600, 400)).save(tmp_path / "small.png")
    argv = [sys.executable, "-c", CHILD, str(tiny_base("sd15", inpaint=True)), str(tmp_path)]
    made = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    taken = int(made.stdout.split()[-1])
    assert taken < MOST_BYTES_A_PIXEL * WIDTH * HEIGHT
    with Image.open(tmp_path / "large new.png") as new:
        assert new.size == (WIDTH, HEIGHT)
        assert new.getpixel((5, 5)) == picture.getpixel((5, 5))
