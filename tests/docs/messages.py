"""Every text in our code, as a pattern in which ``…`` stands for what is put in at run time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FIELD = re.compile(r"\{[a-z_]*(?::[^{}]*)?\}")
BETWEEN = "\0"
_SOURCES = ("wrapper", "dataset_tools", "vendor")
_RAISED = {"UserError", "UsageError", "Refused", "RunFailed", "ValueError"}
_TELLING = {"error", "warn", "tell", "Fight"}


def texts_of(path: Path) -> set[str]:
    """The texts of one module, f-strings and `str.format` alike; its docstrings are left out."""
    nodes = list(ast.walk(_parsed(path)))
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    parts -= {id(node) for node in nodes if isinstance(node, ast.JoinedStr)}
    return {text for node in nodes if id(node) not in parts and (text := _text(node))}


@cache
def all_texts() -> str:
    modules = (path for source in _SOURCES for path in (ROOT / source).rglob("*.py"))
    return BETWEEN.join({text for path in modules for text in texts_of(path)})


def findings_of(path: Path) -> set[str]:
    """What a module says to ``error``, ``warn``, ``tell`` or ``Fight``, directly or through a name."""
    found: set[str] = set()
    for scope in (node for node in ast.walk(_parsed(path)) if isinstance(node, ast.FunctionDef)):
        assigned = list(_assigned(scope))
        for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
            if (said := _said(call)) is not None:
                name = getattr(said, "id", "")
                found |= {_text(said), *(text for target, text in assigned if target == name)}
    return {text for text in found if len(re.sub(r"\W", "", text)) > 8}


def refusals_of(path: Path) -> set[str]:
    """What a module says in a `UserError` of its own, or adds to problems."""
    calls = [node for node in ast.walk(_parsed(path)) if isinstance(node, ast.Call)]
    said = [call.args[0] for call in calls if getattr(call.func, "id", "") == "UserError"]
    said += [call.args[1] for call in calls if getattr(call.func, "attr", "") == "add" and len(call.args) > 1]
    return {text for text in map(_text, said) if len(re.sub(r"\W", "", text)) > 8}


def told_by(path: Path) -> set[str]:
    """What a module tells a user: in errors, problems and sentences, directly, through a name or returned."""
    found: set[str] = set()
    for scope in (node for node in ast.walk(_parsed(path)) if isinstance(node, ast.FunctionDef)):
        assigned = list(_assigned(scope))
        for said in _sentences(scope):
            name = getattr(said, "id", "")
            found |= {_text(said), *(text for target, text in assigned if target == name)}
    return {text for text in found if len(re.sub(r"\W", "", text)) > 8}


def _sentences(scope: ast.FunctionDef) -> Iterator[ast.expr]:
    for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call) and node.args):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name in _RAISED or name in ("tell", "_say"):
            yield call.args[0]
        elif name in ("add", "replace") and len(call.args) > 1:
            yield call.args[1]


def is_said(quote: str, texts: str) -> bool:
    """Whether ``quote``, in which ``…`` stands for anything, is a part of one of ``texts``."""
    parts = [re.escape(part) for part in quote.strip("…").split("…")]
    return re.search(f"[^{BETWEEN}]*?".join(parts), texts) is not None


@cache
def _parsed(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)  # docstrings, and what stands below attributes
    return tree


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _FIELD.sub("…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + (_text(node.right) or "…")
    return ""


def _assigned(scope: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, _text(node.value)


def _said(call: ast.Call) -> ast.expr | None:
    """The message among a call's arguments: a place stands before it, but in `Fight`."""
    functions = [call.func.body, call.func.orelse] if isinstance(call.func, ast.IfExp) else [call.func]
    names = {getattr(function, "attr", getattr(function, "id", "")) for function in functions}
    position = 0 if "Fight" in names else 1
    return call.args[position] if names & _TELLING and len(call.args) > position else None
