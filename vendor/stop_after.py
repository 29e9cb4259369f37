"""Runs a script of sd-scripts and lets it take so many steps, whatever its own count says.

``python stop_after.py STEPS SCRIPT.py ARGUMENTS…``. A resumed run is counted anew (train_network.py, v0.9.1
and v0.10.1), and can miss the total that was asked for, where that is no multiple of an epoch. Nothing of the
script is changed: its progress bar tells each step, and after the last one ``max_train_steps``, which the
loop looks at after every batch, is set to 0.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

BAR = "steps"


class StopAfter:
    """Counts the steps of the bar that is called `BAR`, and ends the loop after ``steps``.

    Processes that draw no bar have one that is switched off, which forgets its name: it is noted apart.
    """

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.options: argparse.Namespace | None = None

    def install(self) -> None:
        """Hear of the options when they are parsed, and of every step."""
        parse, make, update = argparse.ArgumentParser.parse_args, tqdm.__init__, tqdm.update

        def parse_args(parser: argparse.ArgumentParser, *words: Any, **named: Any) -> argparse.Namespace:
            options = parse(parser, *words, **named)
            if hasattr(options, "max_train_steps"):
                self.options = options
            return options

        def make_bar(bar: Any, *words: Any, **named: Any) -> None:
            bar.is_counted = named.get("desc") == BAR
            make(bar, *words, **named)

        def update_bar(bar: Any, n: float | None = 1) -> bool | None:
            if bar.is_counted:
                self.count(int(n or 0))
            return update(bar, n)

        argparse.ArgumentParser.parse_args = parse_args
        tqdm.__init__ = make_bar
        tqdm.update = update_bar

    def count(self, steps: int) -> None:
        self.left -= steps
        if self.left <= 0 and self.options is not None:
            self.options.max_train_steps = 0


def main(argv: list[str]) -> None:
    steps, script, *arguments = argv
    StopAfter(int(steps)).install()
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
