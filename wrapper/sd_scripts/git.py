"""Running git: what it says against something becomes one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from dataset_tools.errors import UserError

_OF_ANOTHER_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
)
_PATIENCE = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")
_CAUSES = (
    ("could not resolve host", "there is no network, or no such host"),
    ("could not resolve proxy", "the proxy cannot be reached"),
    ("failed to connect", "the host cannot be reached"),
    ("unable to access", "the host cannot be reached, or has no such repository"),
    ("does not appear to be a git repository", "it is no git repository"),
    ("repository not found", "there is no such repository"),
    ("could not read username", "there is no such repository, or it is not public"),
    ("dubious ownership", "git does not trust it, because it belongs to another user"),
    ("not our ref", "it does not have all of this version"),
    ("missing blob", "it does not have all of this version"),
    ("unable to read", "it does not have all of this version"),
    ("no space left", "the disk is full"),
)


def has_git() -> bool:
    return shutil.which("git") is not None


def git(*argv: str, cwd: Path | None = None, about: str = "") -> str:
    """What git prints; raises `UserError` with the cause when it fails. ``about`` names what it works on."""
    done = try_git(*argv, cwd=cwd)
    if done.returncode:
        raise UserError(f"{about or 'git'}: {_cause(done.stderr)}.", "Name another place with --source.")
    return done.stdout


def try_git(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """git with its messages in English, no questions, no hooks of the user's."""
    if not has_git():
        raise UserError(
            "There is no git on this machine.",
            "Install it, or unpack sd-scripts' source archive and name its folder with --source.",
        )
    env = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    return subprocess.run(
        ["git", "-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=off", *_PATIENCE, *argv],
        cwd=cwd,
        env={**env, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


def _cause(said: str) -> str:
    lowered = said.lower()
    known = next((sentence for words, sentence in _CAUSES if words in lowered), "")
    lines = [line for line in said.strip().splitlines() if line.startswith(("fatal:", "error:"))]
    last = (lines or said.strip().splitlines() or ["it gave no reason"])[-1]
    return f"{known} ({last})" if known else f"git says: {last}"
