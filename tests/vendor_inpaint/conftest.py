"""The parts of the inpaint script that need no sd-scripts, tested in this process."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "vendor"))
