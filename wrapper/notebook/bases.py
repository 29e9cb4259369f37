"""The base models of a notebook's project: found, or fetched, and recognised."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from dataset_tools.data_text import bounded_text, from_json
from wrapper.notebook.colab import secret
from wrapper.notebook.command import run_module
from wrapper.notebook.fetching import TOKENS, fetched, is_address, is_hub_id
from wrapper.notebook.form import DEMO
from wrapper.notebook.places import Places, find
from wrapper.notebook.stop import Stop

HUB = "https://huggingface.co"


def find_base(said: str, root: Path, store: Path) -> str:
    """`DEMO`, or the path of the base that the form names; fetched into ``store`` if it is not there yet.

    A relative path is looked for in the current folder, in ``root`` and beside it. Raises `Stop`.
    """
    said = said.strip()
    if said in ("", DEMO):
        return said
    if not is_address(said) and (there := find(said, root, root.parent)):
        return str(there)
    if not is_address(said) and not is_hub_id(said):
        raise Stop(
            f"base_model: there is no '{said}'.",
            "Give the path of a .safetensors file or of a diffusers folder, an address, or owner/name/file.",
        )
    return str(fetched(said, store) or _fetch(said, store))


def _fetch(said: str, store: Path) -> str:
    """In a process beside this one, which alone is given the owner's key."""
    host = urlsplit(said if is_address(said) else HUB).hostname or ""
    name = next((name for known, name in TOKENS.items() if host.endswith(known)), "")
    before = os.environ.get(name)
    if name and (key := secret(name)):
        os.environ[name] = key
    try:
        return run_module("wrapper.notebook.fetching", said, store, folder=store.parent)[-1]
    finally:
        if name and before is None:
            os.environ.pop(name, None)


def kind_of(base: str, *, inpaint: bool = False) -> str:
    """``sd15``, ``sdxl`` or `DEMO`. `UserError` and `Stop` for what cannot serve."""
    if base == DEMO:
        return DEMO
    from wrapper.base_model.detect import detect

    found = detect(Path(base))
    if found.inpaint != inpaint:
        wanted = "nine channels, for inpainting" if inpaint else "four channels"
        raise Stop(f"{base}: its U-Net has {found.in_channels} channels.", f"Here one with {wanted} belongs.")
    return found.kind


def base_of_project(places: Places, key: str) -> str:
    """A base of the project's, as its form named it; empty without a project."""
    if not places.job.file.is_file():
        return ""
    from wrapper.project.load import load_project

    project = load_project(places.job.root)
    path = project.base(inpaint=key == "inpaint_model")
    if path == DEMO or Path(path).exists():
        return path
    return _named_in_form(places, key)


def _named_in_form(places: Places, key: str) -> str:
    """What the form said: an address can be fetched again on a new machine."""
    form = from_json(bounded_text(places.form))["form"] if places.form.is_file() else {}
    return str(form.get({"model": "base_model", "inpaint_model": "inpaint_base"}[key], ""))
