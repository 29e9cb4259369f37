"""Every module of ours can be imported where there is no POSIX, and sees that it is on Windows."""

from __future__ import annotations

from pathlib import Path

from tests.platforms.windows.child import started

IMPORT_ALL = """
import importlib, pkgutil
import dataset_tools, wrapper
from wrapper.places import sys
from wrapper.launch.children.process import os, signal

assert sys.platform == "win32" and os.name == "nt", "it is no Windows"
assert not hasattr(signal, "SIGKILL") and not hasattr(os, "killpg"), "it has POSIX' names"
count = 0
for package in (dataset_tools, wrapper):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            count += 1
print(count)
"""


def test_every_module_is_imported(tmp_path: Path):
    said, errors = started("-c", IMPORT_ALL, folder=tmp_path).communicate(timeout=300)
    assert errors == ""
    assert int(said) > 300
