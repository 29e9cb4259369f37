"""What sd-scripts' own parser and config sanitizer make of TOML files; runs in sd-scripts' environment.

``real_parser.py CHECKOUT`` reads JSON lists ``[script, path]`` from standard input, one a line, and answers
each with one line: the namespace of a training file, or, for the script ``dataset`` or ``dataset with
masks``, what the sanitizer lets through. `ask` starts it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OPERATORS = ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor")


def ask(files: Sequence[tuple[str, Path]]) -> list[dict[str, Any]]:
    """Have every file read by the scripts that ``LORAWRAP_SD_SCRIPTS`` names; one answer each."""
    argv = [os.environ["LORAWRAP_SD_SCRIPTS_PYTHON"], __file__, os.environ["LORAWRAP_SD_SCRIPTS"]]
    asked = "\n".join(json.dumps([script, str(path)]) for script, path in files)
    done = subprocess.run(argv, input=asked, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main(checkout: str) -> None:
    sys.path.insert(0, checkout)
    torch = importlib.import_module("torch")
    library = torch.library.Library("torchvision", "DEF")
    for operator in OPERATORS:
        library.define(operator)
    for line in sys.stdin:
        script, path = json.loads(line)
        read = read_dataset if script.startswith("dataset") else read_train
        print(json.dumps(read(script, path), default=str), flush=True)


def read_train(script: str, path: str) -> dict[str, Any]:
    module = importlib.import_module(script)
    sys.argv = [script, "--config_file", path]
    parser = module.setup_parser()
    return vars(
        importlib.import_module("library.train_util").read_config_from_file(parser.parse_args(), parser)
    )


def read_dataset(script: str, path: str) -> dict[str, Any]:
    util = importlib.import_module("library.config_util")
    masks = script == "dataset with masks"
    return util.ConfigSanitizer(not masks, False, masks, True).sanitize_user_config(
        util.load_user_config(path)
    )


if __name__ == "__main__":
    main(sys.argv[1])
