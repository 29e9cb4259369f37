"""Examinations of subjects on one pipeline: only what is not known yet is done, and LoRAs are swapped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dataset_tools.progress import Bar
from wrapper.evaluation.subjects import Subject

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.diffusion.pipelines.opening import Task


class Exam(Protocol):
    """``missing`` counts what is still to be measured (calls of the U-Net), ``examine`` measures it."""

    def missing(self, subject: Subject) -> int: ...

    def examine(self, pipeline: Any, subject: Subject, bar: Bar) -> None: ...


def total_missing(exams: Sequence[Exam], subjects: Sequence[Subject]) -> int:
    """Calls of the U-Net that are to come; 0 when everything is known."""
    return sum(exam.missing(subject) for exam in exams for subject in subjects)


def run_exams(
    info: BaseInfo, task: Task, exams: Sequence[Exam], subjects: Sequence[Subject], bar: Bar
) -> None:
    """Open the base once where something is missing, and examine each subject with its LoRA applied."""
    from wrapper.diffusion.pipelines.opening import open_pipeline
    from wrapper.lora.apply import apply_loras, unload_loras

    if not total_missing(exams, subjects):
        return
    pipeline = open_pipeline(info, task)
    for subject in subjects:
        wanted = [exam for exam in exams if exam.missing(subject)]
        if not wanted:
            continue
        if subject.loras:
            apply_loras(pipeline, list(subject.loras))
        for exam in wanted:
            exam.examine(pipeline, subject, bar)
        if subject.loras:
            unload_loras(pipeline)
