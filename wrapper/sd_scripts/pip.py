"""pip in an environment: one line of progress, everything in a log, a failure in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.errors import RunFailed
from dataset_tools.progress import Bar, progress
from wrapper.sd_scripts.children import ISOLATED, child_environment
from wrapper.sd_scripts.requirements import plain_name

_SETTLED = re.compile(
    r"^\s*(?:Collecting |Requirement already satisfied: |Processing .*?(?=[^/\\]+$))"  # or a file
    r"([A-Za-z0-9][\w.]*(?:-[A-Za-z][\w.]*)*)"
)
FEW = 3
_DOWNLOADING = re.compile(r"^\s*Downloading .*?([^/\s]+?)(?:\.metadata)? \((.+)\)")
_INSTALLING = re.compile(r"^Installing collected packages: (.+)")
_PACKAGE = (
    re.compile(r"(?:satisfies the requirement|No matching distribution found for) (\S+)"),
    re.compile(r"(?:Failed building wheel for|Failed to build) '?(\S+?)'?(?: when|$)"),
    re.compile(r"Could not install packages.*?'([^']+)'"),
)
_CAUSES = (
    ("no space left", "the disk is full"),
    ("no matching distribution", "the package index has no such version for this Python, or is not reached"),
    ("newconnectionerror", "the package index cannot be reached"),
    ("proxyerror", "the proxy cannot be reached"),
    ("read timed out", "the package index does not answer"),
    ("conflicting dependencies", "the packages do not fit each other"),
    ("failed building wheel", "it would have to be compiled here, and that failed"),
)


@dataclass
class Pip:
    """pip of ``python``'s environment; its whole output goes to ``log``."""

    python: Path
    log: Path
    said: list[str] = field(default_factory=list)

    def install(self, wishes: Iterable[str], *options: str) -> None:
        """Install ``wishes``; raises `RunFailed` with the package, the cause and the place of the log."""
        wanted = tuple(wishes)
        argv = [str(self.python), *ISOLATED, "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
        argv += ["--disable-pip-version-check", *options, *wanted]
        names = [found.group() for one in wanted if (found := re.match(r"[A-Za-z0-9][\w.-]*", one))]
        what = ", ".join(names) if len(names) < FEW else "packages"
        with progress(f"installing {what}", len(names) + 1) as bar:
            counter = _Counter(bar, {plain_name(name) for name in names})
            code = self._run(argv, counter)
            if code == 0:
                counter.end()
        if code:
            raise self._failure(code)

    def _run(self, argv: list[str], counter: _Counter) -> int:
        self.said = []
        with (
            self.log.open("a", encoding="utf-8", newline="\n") as log,
            subprocess.Popen(
                argv,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env=child_environment(),
                close_fds=os.name == "nt",  # it keeps the lock of the installation, see alone.py
            ) as child,
        ):
            print("$", *argv, file=log)
            try:
                for line in child.stdout or ():
                    print(line, end="", file=log, flush=True)
                    self.said.append(line.rstrip())
                    counter.read(line)
            except BaseException:
                child.terminate()
                raise
        return child.returncode

    def _failure(self, code: int) -> RunFailed:
        package = self._package()
        errors = [line for line in self.said if line.startswith(("ERROR:", "error:"))]
        last = (errors or self.said or [f"exit code {code}"])[-1].removeprefix("ERROR: ")
        text = "\n".join(self.said).lower()
        cause = next((sentence for words, sentence in _CAUSES if words in text), "")
        message = f"pip could not install {package or 'the packages'}"
        message += f": {cause} ({last})" if cause else f": {last}"
        return RunFailed(
            message, f"All that pip said is in {self.log}. The same command goes on where this one ended."
        )

    def _package(self) -> str:
        found = (pattern.search(line) for pattern in _PACKAGE for line in self.said)
        named = next((one.group(1) for one in found if one), "")
        return named or next(_settled(reversed(self.said)), "")


class _Counter:
    """Counts the wished packages as pip comes to them, and one more for unpacking; notes what it is at."""

    def __init__(self, bar: Bar, names: set[str]) -> None:
        self.bar, self.open = bar, names

    def read(self, line: str) -> None:
        if found := _SETTLED.match(line):
            name = plain_name(found.group(1))
            self.bar.advance(name in self.open, name)
            self.open.discard(name)
        elif found := _DOWNLOADING.match(line):
            self.bar.advance(0, f"{found.group(1)} ({found.group(2)})")
        elif found := _INSTALLING.match(line):
            self.bar.advance(len(self.open), f"unpacking {len(found.group(1).split(', '))} packages")
            self.open.clear()

    def end(self) -> None:
        self.bar.advance(len(self.open) + 1, "")


def _settled(lines: Iterable[str]) -> Iterator[str]:
    return (found.group(1) for line in lines if (found := _SETTLED.match(line)))
