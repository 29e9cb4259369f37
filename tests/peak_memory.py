"""The peak memory of a child process, in words that it runs itself."""

from __future__ import annotations

import sys

import pytest

PEAK_MIB = """
from pathlib import Path as _Path
peak_mib = int(_Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
"""
"""Sets ``peak_mib``. (``ru_maxrss`` would count in what the parent had when it forked.)"""
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
