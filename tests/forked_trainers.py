"""Trainings that are forked from the tests' own process: what a trainer imports is there already.

A start of its own costs six seconds of a processor, for `accelerate launch` and for what the trainer
imports; tests/trainer/test_process.py and tests/cli/test_train.py pay that, as they are about the start.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import pytest

from tests.faults.warm import WarmPopen


class ForkedPopen(WarmPopen):
    """The child warns as it would alone, not as pytest has it; and Python 3.12 warns of any fork."""

    def _execute_child(self, *args: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super()._execute_child(*args)


@pytest.fixture
def forked_trainers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of trainings that this test starts by `lorawrap train` or `run`, on Linux."""
    import torch

    if sys.platform == "linux" and torch.get_num_threads() == 1:  # else OpenMP's threads would be lost
        monkeypatch.setattr(subprocess, "Popen", ForkedPopen)
