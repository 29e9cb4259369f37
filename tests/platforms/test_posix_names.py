"""Names that Python has on POSIX alone stand in few files, which do without them elsewhere."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.platforms.test_text_files import FILES, ROOT
from tests.platforms.windows.pretence import MISSING

KNOWN = {
    "dataset_tools/files.py": {"O_NOFOLLOW"},
    "dataset_tools/system/processors.py": {"sched_getaffinity"},
    "wrapper/launch/children/groups.py": {"killpg", "SIGKILL", "start_new_session"},
    "wrapper/launch/children/process.py": {"killpg"},
    "wrapper/launch/watching/terminal.py": {"getpgrp", "tcgetpgrp"},
    "wrapper/notebook/beside.py": {"setsid"},
    "wrapper/sweep/engines/guard.py": {"pthread_sigmask"},
    "wrapper/sweep/engines/slurm_queue.py": {"getuid"},
    "wrapper/trainer/train.py": {"SIGUSR1", "register"},
}
"""Each asks for the system, or for the name, first; there is no Slurm on Windows."""
OPTIONS = {"start_new_session", "preexec_fn", "pass_fds", "process_group"}


def names(path: Path) -> set[str]:
    """POSIX' own names in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} & MISSING.get(node.value.id, set())
        elif isinstance(node, ast.keyword | ast.Dict):
            keys = (
                [node.arg]
                if isinstance(node, ast.keyword)
                else [getattr(key, "value", "") for key in node.keys]
            )
            found |= OPTIONS.intersection(key for key in keys if isinstance(key, str))
    return found


def test_only_known_files_use_them():
    used = {path.relative_to(ROOT).as_posix(): names(path) for path in FILES}
    assert {file: found for file, found in used.items() if found} == KNOWN


@pytest.mark.parametrize("module", sorted(MISSING))
def test_the_names_are_python_s(module: str):
    """Nothing is taken away under a name that was never there."""
    assert {name for name in MISSING[module] if not hasattr(importlib.import_module(module), name)} == set()
