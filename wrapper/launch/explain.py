"""A failed run's log → one sentence that says why, and what to change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Explanation(NamedTuple):
    message: str
    hint: str


_LOWER = "Lower train_batch_size, set gradient_checkpointing = true, or take a smaller preset, such as 8gb."
_CAUSES: tuple[tuple[str, Explanation], ...] = (
    (
        r"CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
        Explanation("The GPU ran out of memory.", _LOWER),
    ),
    (
        r"DefaultCPUAllocator: can't allocate|MemoryError|Signals\.SIGKILL",
        Explanation("The trainer was stopped for want of memory, or killed.", _LOWER),
    ),
    (
        r"(?i)loss is nan|avr_loss=nan|nan detected|loss became nan|not finite|NaN found",
        Explanation(
            "The loss became NaN.",
            "Lower learning_rate, set no_half_vae = true, or use bf16 instead of fp16.",
        ),
    ),
    (
        r"No data found|画像がありません",
        Explanation(
            "The trainer found no images.",
            "Run `lorawrap check` on the two files, and `lorawrap build` again.",
        ),
    ),
    (
        r"neither caption file nor class tokens|No caption file found",
        Explanation(
            "Images have no captions.",
            "Give every image a .txt file beside it, and caption_extension = '.txt'.",
        ),
    ),
    (
        r"illegal char in file|UnicodeDecodeError",
        Explanation("A caption file is not UTF-8.", "Save it as UTF-8; the log names it."),
    ),
    (
        r"caption file is empty",
        Explanation("A caption file is empty.", "Fill or remove it; the log names it."),
    ),
    (
        r"image too small|image size is small",
        Explanation(
            "An image is smaller than the resolution.", "Set enable_bucket = true or a lower resolution."
        ),
    ),
    (
        r"min_bucket_reso must be equal or less",
        Explanation(
            "The resolution is below min_bucket_reso.", "Set min_bucket_reso to the resolution or less."
        ),
    ),
    (
        r"(?:missing|extra) conditioning data",
        Explanation("Images and masks do not pair up.", "Run `lorawrap check`: it names them."),
    ),
    (
        r"image file is truncated|UnidentifiedImageError|cannot identify image file",
        Explanation("An image file is broken.", "Run `lorawrap qc`: it names it."),
    ),
    (
        r"No space left on device",
        Explanation("The disk is full.", "Make room and go on with `lorawrap train --resume`."),
    ),
    (
        r"No module named '(?P<what>[\w.]+)'",
        Explanation("The trainer's Python lacks the package '{what}'.", "Install it there."),
    ),
)
_STATUS = re.compile(r"returned non-zero exit status (?P<status>\d+)")
_LAUNCHER = re.compile(r"^Traceback \(most recent call last\):")


def explain(lines: Sequence[str], exit_code: int) -> Explanation:
    """Why a run ended with ``exit_code``, told from its last ``lines``; the first cause that fits."""
    status = exit_status(lines, exit_code)
    if status == 2:
        return Explanation(said_before_traceback(lines) or "The trainer refused its input.", "")
    text = "\n".join(lines)
    for pattern, explanation in _CAUSES:
        if found := re.search(pattern, text):
            return Explanation(explanation.message.format(**found.groupdict()), explanation.hint)
    return Explanation(f"The trainer ended with exit code {status}.", "")


def exit_status(lines: Sequence[str], exit_code: int) -> int:
    """The trainer's own exit code: accelerate's launcher says it in its message and ends with 1."""
    for line in reversed(lines):
        if found := _STATUS.search(line):
            return int(found["status"])
    return exit_code


def said_before_traceback(lines: Sequence[str]) -> str:
    """The trainer's last line before the launcher's traceback, or an empty string."""
    said = ""
    for line in lines:
        if _LAUNCHER.match(line):
            break
        said = line
    return said.strip()
