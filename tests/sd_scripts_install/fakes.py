"""A small repository that looks like sd-scripts, and wheels that pip installs without any network."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

TAG = "v0.0.1"
FILES = {
    "train_network.py": """
import argparse


def setup_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning_rate", type=float, default=2e-6, help="how fast, in 100%% of cases")
    parser.add_argument("--mixed_precision", choices=["no", "fp16"], default="no", help="число")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--optimizer_args", type=str, nargs="*")
    return parser
""",
    "sdxl_train_network.py": "from train_network import setup_parser  # noqa: F401\n",
    "library/__init__.py": "",
    "library/train_util.py": "import torchvision\n",
    "library/config_util.py": """
class ConfigSanitizer:
    general_schema = {"resolution": int}
    db_dataset_schema = {"batch_size": int}
    cn_dataset_schema = {"batch_size": int}
    ft_dataset_schema = {"batch_size": int}
    db_subset_schema = {"image_dir": str}
    cn_subset_schema = {"image_dir": str, "conditioning_data_dir": str}
    ft_subset_schema = {"metadata_file": str}

    def __init__(self, *kinds):
        pass
""",
    "requirements.txt": "# pins\ntiny-package==1.2  # a comment\nbitsandbytes\n-e .\n",
    "bitsandbytes_windows/huge.dll": "not needed",
    "configs/qwen3_06b/vocab.json": "{}",
    "docs/читай меня.md": "a name that is not ASCII\n",
}
TORCH = {
    "torch/__init__.py": """
from . import library, version
from .library import ops
__version__ = "2.13.0+cpu"
""",
    "torch/version.py": "cuda = None\n",
    "torch/library.py": """
from types import SimpleNamespace

ops = SimpleNamespace(torchvision=SimpleNamespace())


class Library:
    def __init__(self, name, kind):
        if vars(ops.torchvision):
            raise RuntimeError("only one library may define operators of torchvision")

    def define(self, operator):
        setattr(ops.torchvision, operator.split("(")[0], operator)
""",
}
TORCHVISION = {
    "torchvision/__init__.py": "from . import _meta_registrations\n",
    "torchvision/_meta_registrations.py": """
import torch
if not hasattr(torch.ops.torchvision, "nms"):
    raise RuntimeError("operator torchvision::nms does not exist")
""",
}


def make_repository(folder: Path, files: dict[str, str] | None = None, tag: str = TAG) -> str:
    """A git repository with one tagged commit, whose id is returned."""
    folder.mkdir(parents=True)
    run_git("init", "--quiet", str(folder))
    return commit(folder, files or FILES, tag)


def commit(folder: Path, files: dict[str, str], tag: str = "") -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    run_git("add", "-A", cwd=folder)
    run_git("commit", "--quiet", "-m", "one", cwd=folder)
    if tag:
        run_git("tag", tag, cwd=folder)
    return run_git("rev-parse", "HEAD", cwd=folder).strip()


def run_git(*argv: str, cwd: Path | None = None) -> str:
    me = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "core.autocrlf=false")
    return subprocess.run(
        ["git", *me, *argv], cwd=cwd, check=True, capture_output=True, encoding="utf-8"
    ).stdout


def make_wheel(
    folder: Path, name: str, version: str, files: dict[str, str], needs: tuple[str, ...] = ()
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = f"{name}-{version}.dist-info"
    meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    meta += "".join(f"Requires-Dist: {need}\n" for need in needs)
    tags = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    own = {f"{record}/METADATA": meta, f"{record}/WHEEL": tags}
    listed = "".join(f"{path},,\n" for path in (*files, *own, f"{record}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, **own, f"{record}/RECORD": listed}.items():
            wheel.writestr(path, text)


def unpack(wheel: Path, site: str) -> None:
    """What pip does with a wheel without compiled parts, but for its bytecode."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)


def make_wheels(folder: Path) -> None:
    """torch for a CPU, a torchvision that does not fit it, and one pinned package."""
    make_wheel(folder, "torch", "2.13.0+cpu", TORCH, ("mathematics",))
    make_wheel(folder, "torchvision", "0.28.0", TORCHVISION, ("torch==2.13.0", "not-there"))
    make_wheel(folder, "mathematics", "1.0", {"mathematics.py": ""})
    make_wheel(folder, "tiny_package", "1.2", {"tiny_package.py": ""}, ("torch>=2",))


def offline(wheels: Path) -> dict[str, str]:
    """What makes pip take ``wheels`` and nothing else."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
