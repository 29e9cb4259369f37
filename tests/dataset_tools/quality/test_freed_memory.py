"""Memory is taken from the system once, not for every picture."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PICTURES = 10
FEW_PAGES = 200
"""One large array of a picture alone takes some 570 pages of 4 KiB."""
COUNT_PAGES = f"""
import resource, sys
from pathlib import Path
from dataset_tools.quality.measuring import Task, measure_file

def measure(count):
    for _ in range(count):
        assert measure_file(Task(0, Path(sys.argv[1]))).facts.measures

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

measure(5)
before = pages()
measure({PICTURES})
print((pages() - before) // {PICTURES})
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep memory as they like")
def test_a_picture_reuses_the_memory_of_the_one_before(tmp_path: Path) -> None:
    picture = tmp_path / "ухо 👂 'a'.jpg"
    levels = np.random.default_rng(0).integers(60, 200, (96, 128, 3), np.uint8)
    Image.fromarray(levels).resize((1024, 768), Image.Resampling.BICUBIC).save(picture, quality=90)
    command = [sys.executable, "-c", COUNT_PAGES, str(picture)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert int(found.stdout) < FEW_PAGES
