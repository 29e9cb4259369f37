"""Trainings that are forked from the tests' own process: what a trainer imports is there already.

A start of its own costs six seconds of a processor, for `accelerate launch` and for what the trainer
imports; tests/trainer/test_process.py and tests/cli/test_train.py pay that, as they are about the start.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.warm import WarmPopen


class ForkedPopen(WarmPopen):
    """The child warns as it would alone, not as pytest has it; and Python 3.12 warns of any fork."""

    def _execute_child(self, *args: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super()._execute_child(*args)


@contextmanager
def forking() -> Iterator[None]:
    """Trainings that are started within are forked, on Linux."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux" and torch.get_num_threads() == 1:  # else OpenMP's threads would be lost
            patch.setattr(subprocess, "Popen", ForkedPopen)
        yield


@pytest.fixture
def forked_trainers() -> Iterator[None]:
    """Of trainings that this test starts by `lorawrap train` or `run`."""
    with forking():
        yield
