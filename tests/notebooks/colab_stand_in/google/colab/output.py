"""``COLAB_ANSWER`` is a file with what the page answers."""

import os
from pathlib import Path


def eval_js(script: str) -> str:
    assert "canvas" in script
    return Path(os.environ["COLAB_ANSWER"]).read_text(encoding="utf-8")
