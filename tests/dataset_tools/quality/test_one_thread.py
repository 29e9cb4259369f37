"""Measuring takes one processor: a library's threads would wait on all others, at full load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dataset_tools.quality.engines import measured_here
from dataset_tools.quality.engines.processes import by_processes
from dataset_tools.quality.measuring import Task
from dataset_tools.system.processors import THREADS

SHORT_NS = 1_000_000
PICTURES = 8
OTHER_THREADS = f"""
SHORT_NS, PICTURES = {SHORT_NS}, {PICTURES}
import os, sys, time
from pathlib import Path
from dataset_tools.quality.engines import measured_here
from dataset_tools.quality.measuring import Task

def measure(count):
    for _, measured in measured_here(Task(place, Path(sys.argv[1])) for place in range(count)):
        assert measured.facts.measures

def others_ns():
    threads = [one for one in Path("/proc/self/task").iterdir() if one.name != str(os.getpid())]
    return len(threads), sum(int((one / "schedstat").read_text().split()[0]) for one in threads)

def at_rest():
    # threads of BLAS spin for a while after their start, on a busy machine whenever their turn comes
    _, before = others_ns()
    while time.sleep(0.2) or others_ns()[1] - before > SHORT_NS:
        _, before = others_ns()

measure(2)
at_rest()
_, before = others_ns()
measure(PICTURES)
count, after = others_ns()
print(count, after - before)
"""


def photograph(folder: Path) -> Path:
    path = folder / "ухо 👂 'a'.jpg"
    levels = np.random.default_rng(0).integers(60, 200, (96, 128, 3), np.uint8)
    Image.fromarray(levels).resize((1024, 768), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


@pytest.mark.skipif(not Path("/proc/self/schedstat").is_file(), reason="needs the time of each thread")
def test_other_threads_of_the_process_rest(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER_THREADS, str(photograph(tmp_path))]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "4"}
    environment.pop(THREADS, None)
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    threads, spent_ns = map(int, found.stdout.split())
    assert threads >= 3, "BLAS has no threads here, so this shows nothing"
    assert spent_ns < SHORT_NS * PICTURES


def test_opencv_has_its_threads_back_afterwards(tmp_path: Path) -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        for _ in measured_here(iter([Task(0, photograph(tmp_path))])):
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def threads_serve(connection, limit_s: float) -> None:
    connection.send(None)
    connection.recv()
    connection.send(os.environ[THREADS])


@pytest.mark.parametrize("said", [None, "7"])
def test_a_worker_process_is_told_to_use_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    monkeypatch.setattr("dataset_tools.quality.engines.processes.serve", threads_serve)
    monkeypatch.delenv(THREADS, raising=False)
    if said:
        monkeypatch.setenv(THREADS, said)
    found = list(by_processes(1)(iter([Task(0, photograph(tmp_path))])))
    assert [threads for _, threads in found] == ["1"]
    assert os.environ.get(THREADS) == said
