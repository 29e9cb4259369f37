"""The arrows of docs/ARCHITECTURE.md hold: imports go one way, help stays light, packages are complete."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "cv2",
    "numpy",
    "scipy",
    "PIL",
    "pydantic",
    "rich",
)
ALLOWED = {
    "dataset_tools": (),
    "wrapper.places": (),
    "wrapper.quiet": (),
    "wrapper.shipped_templates": ("wrapper.places",),
    "wrapper.toml_text": ("dataset_tools", "wrapper.shipped_templates"),
    "wrapper.safetensors_header": ("dataset_tools",),
    "wrapper.safetensors_stream": ("dataset_tools", "wrapper.safetensors_header"),
    "wrapper.project": ("dataset_tools", "wrapper.left_name", "wrapper.places", "wrapper.toml_text"),
    "wrapper.demo": ("dataset_tools", "wrapper.places", "wrapper.project", "wrapper.quiet"),
    "wrapper.base_model": ("dataset_tools", "wrapper.demo", "wrapper.quiet", "wrapper.safetensors_header"),
    "wrapper.runs": (
        "dataset_tools",
        "wrapper.contents",
        "wrapper.curves",
        "wrapper.kohya",
        "wrapper.left_name",
        "wrapper.project",
        "wrapper.shipped_templates",
    ),
    "wrapper.lora": (
        "dataset_tools",
        "wrapper.base_model",
        "wrapper.quiet",
        "wrapper.safetensors_header",
        "wrapper.safetensors_stream",
    ),
}
"""What the lower packages may import of ours; those not named may import anything but ``wrapper.cli``."""


def modules() -> list[Path]:
    return sorted(p for top in ("wrapper", "dataset_tools") for p in (ROOT / top).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path, *, top_level_only: bool = False) -> tuple[str, ...]:
    """Names of all modules that ``path`` imports; with ``top_level_only`` without those inside functions."""
    tree = parsed(path)
    return tuple(_imports(_at_import_time(tree) if top_level_only else ast.walk(tree)))


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _at_import_time(tree: ast.Module) -> Iterator[ast.AST]:
    for node in tree.body:
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not typing_only and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from ast.walk(node)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


OURS = {name_of(path): path for path in modules()}


def test_dataset_tools_know_nothing_of_the_wrapper():
    wrong = {
        name: dep
        for name in OURS
        if within(name, "dataset_tools")
        for dep in imported(OURS[name])
        if within(dep, "wrapper")
    }
    assert wrong == {}


def test_dataset_tools_go_one_way():
    order = ("manifests", "captioning", "pictures", "quality", "building")
    wrong = {
        (name, dep)
        for floor, package in enumerate(order)
        for name, path in OURS.items()
        if within(name, f"dataset_tools.{package}")
        for dep in imported(path)
        if any(within(dep, f"dataset_tools.{higher}") for higher in order[floor + 1 :])
    }
    assert wrong == set()


def test_export_goes_one_way():
    order = ("targets", "key_maps", "places", "wish", "source", "proofs", "lora_file", "companions")
    rest = {name for name in OURS if within(name, "wrapper.export")} - {
        name for name in OURS for one in order if within(name, f"wrapper.export.{one}")
    }
    higher = {one: [f"wrapper.export.{two}" for two in order[n + 1 :]] for n, one in enumerate(order)}
    wrong = {
        (name, dep)
        for one in order
        for name in OURS
        if within(name, f"wrapper.export.{one}")
        for dep in imported(OURS[name])
        if dep in rest - {"wrapper.export"} or any(within(dep, two) for two in higher[one])
    }
    assert wrong == set()


def test_nothing_but_the_command_line_imports_the_command_line():
    allowed = ("wrapper.cli", "wrapper.__main__")
    wrong = [
        name
        for name, path in OURS.items()
        if not any(within(name, one) for one in allowed)
        and any(within(dep, "wrapper.cli") for dep in imported(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ALLOWED)
def test_lower_packages_import_only_what_lies_below(package: str):
    may = (*ALLOWED[package], package)
    wrong = {
        (name, dep)
        for name, path in OURS.items()
        if within(name, package)
        for dep in imported(path)
        if (within(dep, "wrapper") or within(dep, "dataset_tools"))
        and dep != "wrapper"
        and dep != "wrapper.__version__"
        and not any(within(dep, one) for one in may)
    }
    assert wrong == set()


def test_there_are_no_import_cycles():
    graph = {
        name: {dep for dep in imported(path, top_level_only=True) if dep in OURS and dep != name}
        for name, path in OURS.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for dep in sorted(graph[name]):
                visit(dep, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_command_modules_import_only_click_at_start():
    light = (
        "click",
        "wrapper.cli",
        "wrapper",
        "__future__",
        "pathlib",
        "typing",
        "collections",
        "sys",
        "importlib",
    )
    wrong = {
        (path.name, dep)
        for name, path in OURS.items()
        if within(name, "wrapper.cli")
        for dep in imported(path, top_level_only=True)
        if not any(within(dep, one) for one in light)
    }
    assert {
        (file, dep) for file, dep in wrong if dep.split(".")[0] in (*HEAVY, "wrapper", "dataset_tools")
    } == set()


@pytest.mark.parametrize(
    "argv", [["--help"], ["run", "--help"], ["train", "--help"], ["generate", "--help"]], ids=" ".join
)
def test_help_loads_nothing_heavy(argv: list[str]):
    code = (
        "import sys; from wrapper.cli.main import run; code = run(sys.argv[1:]);"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"
    assert "Usage: lorawrap" in done.stdout


def test_every_package_is_named_in_setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(parser["options"]["packages"].split())
    found = {name_of(path) for path in modules() if path.name == "__init__.py"}
    assert found - listed == set()


def test_there_is_no_drawer_for_everything():
    assert [path for path in modules() if path.stem in ("utils", "helpers", "common", "misc")] == []


def calls(path: Path, name: str) -> Iterator[ast.Call]:
    """Every call of a method ``name`` in ``path``."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            yield node


def keywords(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def test_no_pickle_is_run_and_nothing_is_downloaded():
    """Models come from safetensors (or were asked for), never with code of their own, from this machine."""
    odd = []
    for path in (path for path in modules() if "demo" not in path.parts):
        for call in calls(path, "load"):
            if ast.unparse(call.func) == "torch.load" and keywords(call).get("weights_only") != "True":
                odd.append(f"{path}:{call.lineno}")
        for call in calls(path, "from_pretrained"):
            given, owner = keywords(call), ast.unparse(call.func)
            handed = None in given  # **options, which say it
            holds_weights = not any(word in owner for word in ("Tokenizer", "Processor"))
            if not handed and (
                given.get("local_files_only") != "True"
                or (holds_weights and given.get("use_safetensors") != "True")
                or "trust_remote_code" in given
            ):
                odd.append(f"{path}:{call.lineno}")
    assert odd == []
