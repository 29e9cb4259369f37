"""Where files are measured: in this process, in worker processes, on a Ray cluster. The results are equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dataset_tools.quality.measuring import Measured, Task, measure_file

Engine = Callable[[Iterator[Task]], Iterator[tuple[Task, Measured]]]
"""Tasks → what came of each, in any order. Tasks are asked for as they can be worked on."""


def measured_here(tasks: Iterator[Task]) -> Iterator[tuple[Task, Measured]]:
    """In this process: for a few pictures. One that ends its process ends this one.

    OpenCV's threads are left out: so small steps take longer with them, and several times the CPU time.
    """
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield from ((task, measure_file(task)) for task in tasks)
    finally:
        cv2.setNumThreads(threads)
