"""What sd-scripts' environment needs: upstream's own list, less what cannot serve."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*")
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?\s*==\s*([^\s;,*]+)\s*$")


@dataclass(frozen=True)
class Requirements:
    """``lines`` go to pip; ``left_out`` says what does not, and why."""

    lines: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(plain_name(found.group()) for line in self.lines if (found := _NAME.match(line)))

    @property
    def limits(self) -> tuple[str, ...]:
        """What pip must hold back beside the pins: an OpenCV before 4.10 was compiled for NumPy 1."""
        opencv = self.pins.get("opencv-python", "4.10").split(".")
        return ("numpy<2",) if (int(opencv[0]), int(opencv[1])) < (4, 10) else ()

    @property
    def pins(self) -> dict[str, str]:
        """``{name: version}`` of those that are fixed to one version."""
        matches = (_PIN.match(line) for line in self.lines)
        return {plain_name(found.group(1)): found.group(2) for found in matches if found}


def plain_name(name: str) -> str:
    """``Lion_PyTorch`` → ``lion-pytorch``: the form in which pip compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(checkout: Path, cuda: bool) -> Requirements:
    """The checkout's ``requirements.txt``.

    Left out: the editable installation of sd-scripts itself (its scripts find their library by themselves),
    and bitsandbytes beside a torch without CUDA, where its optimizers cannot run.
    """
    kept: list[str] = []
    left_out: list[str] = []
    for line in _lines((checkout / "requirements.txt").read_text(encoding="utf-8")):
        if line.startswith(("-e ", "--editable")):
            continue
        if line.startswith("bitsandbytes") and not cuda:
            left_out.append("bitsandbytes (8-bit optimizers): torch has no CUDA here")
            continue
        kept.append(line)
    return Requirements(tuple(kept), tuple(left_out))


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        stripped = re.sub(r"(^|\s)#.*", "", line).strip()
        if stripped:
            yield stripped


def torchvision_for(torch: str) -> str:
    """The torchvision that was built with a torch: ``2.13.0+cpu`` → ``torchvision==0.28.*``.

    torchvision's minor version is torch's and 15, since torch 2.0.
    """
    major, minor = (int(part) for part in re.split(r"[.+a-z]", torch)[:2])
    return f"torchvision==0.{minor + 15}.*" if major == 2 else "torchvision"
