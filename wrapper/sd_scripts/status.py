"""What is there of sd-scripts, and whether it is still as it was installed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.wording import count_of
from wrapper.finding import Finding
from wrapper.places import shipped
from wrapper.sd_scripts.blobs import compare
from wrapper.sd_scripts.children import ask
from wrapper.sd_scripts.installed import Installation, find_installation, installations
from wrapper.sd_scripts.lock import lock, locked_files
from wrapper.sd_scripts.places import CHECKOUT, PYTHON, Places, versions_folder
from wrapper.sd_scripts.requirements import read_requirements
from wrapper.sd_scripts.tables import are_whole, has_locked_parsers

INSTALL = "lorawrap vendor install"


def examine() -> Iterator[Finding]:
    """Everything about the sd-scripts that is used, then the others that are there or were begun."""
    try:
        used = find_installation()
    except UserError as error:
        yield Finding("fault", "sd-scripts", error.message, error.hint)
        return
    if used is None:
        yield Finding("note", "sd-scripts", "is not installed; the embedded trainer works without.", INSTALL)
    else:
        yield from findings(used)
    yield from _others(used)


def findings(one: Installation) -> Iterator[Finding]:
    """Whether one version's files, environment and option tables are whole."""
    commit = f"commit {one.commit[:10]}" if one.commit else "commit unknown"
    pinned = "the pinned version" if one.pinned else f"not the pinned version, {lock().tag}"
    named = f", named by {CHECKOUT}" if one.named else ""
    yield Finding("ok" if one.pinned else "note", "sd-scripts", f"{one.tag}, {commit}, {pinned}{named}")
    yield _files(one)
    yield _environment(one)
    yield _options(one)
    yield from _left_out(one)


def _files(one: Installation) -> Finding:
    expected = locked_files() if one.pinned else _got_files(one)
    if not expected:
        return Finding("note", "checkout", f"{one.checkout}; its files cannot be verified")
    wrong = compare(one.checkout, expected)
    if wrong:
        hint = f"{INSTALL} --force puts back what was published."
        return Finding("fault", "checkout", f"{one.checkout}: {wrong}", hint)
    return Finding("ok", "checkout", f"{one.checkout}: {count_of(len(expected), 'file')}, each as published")


def _got_files(one: Installation) -> dict[str, str]:
    listed = one.checkout.parent / "files.json"
    if one.named or not listed.is_file():
        return {}
    return dict(json.loads(listed.read_text(encoding="utf-8")))


def _environment(one: Installation) -> Finding:
    try:
        there = ask(one.python, shipped("vendor") / "inspect_environment.py", "packages")
    except RunFailed as failed:
        return Finding("fault", "environment", failed.message, _mending(one))
    text = f"{one.python}: torch {there.get('torch', 'missing')}, {len(there)} packages"
    if not (one.checkout / "requirements.txt").is_file():
        return Finding("note", "environment", f"{text}; no requirements.txt says which are needed")
    requirements = read_requirements(one.checkout, cuda=False)
    missing = [name for name in requirements.names if name not in there]
    other = [
        f"{name} {there[name]}" for name, pin in requirements.pins.items() if there.get(name, pin) != pin
    ]
    if missing or "torch" not in there:
        absent = ", ".join(missing or ["torch"])
        return Finding("fault", "environment", f"{one.python}: {absent} missing", _mending(one))
    if other:
        return Finding("note", "environment", f"{text}; not as sd-scripts pins them: {', '.join(other)}")
    return Finding("ok", "environment", f"{text}, sd-scripts' pins kept")


def _mending(one: Installation) -> str:
    return (
        f"{PYTHON} must name a Python that has sd-scripts' packages." if one.named else f"{INSTALL} --force"
    )


def _options(one: Installation) -> Finding:
    if are_whole(one.options, one.checkout):
        return Finding("ok", "options", f"read from its own parsers: {one.options}")
    if has_locked_parsers(one.checkout):
        return Finding("ok", "options", f"its parsers are those of {lock().tag}, whose options are recorded")
    return Finding("note", "options", "not read yet: lorawrap check reads them at its first use.")


def _left_out(one: Installation) -> Iterator[Finding]:
    record = Places(one.checkout.parent).record
    if not one.named and record.is_file():
        left = json.loads(record.read_text(encoding="utf-8"))["left_out"]
        yield Finding("ok", "left out", "; ".join(left))


def _others(used: Installation | None) -> Iterator[Finding]:
    whole = installations()
    for other in whole:
        if used is None or other.checkout != used.checkout:
            how = f"{CHECKOUT}={shlex.quote(str(other.checkout))} takes it."
            yield Finding("note", "also there", f"sd-scripts {other.tag}", how)
    for folder in _begun([one.checkout.parent for one in whole]):
        yield Finding("note", "unfinished", f"{folder}", f"{INSTALL} goes on with it.")


def _begun(whole: list[Path]) -> list[Path]:
    folder = versions_folder()
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [place for place in there if place.is_dir() and place not in whole]
