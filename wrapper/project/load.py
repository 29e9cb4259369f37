"""``lorawrap.toml`` and overrides → one checked `Project`, each value knowing where it came from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from dataset_tools.data_text import NotUtf8, bounded_text, from_toml
from dataset_tools.errors import Problems, UserError, did_you_mean
from wrapper.project.layout import PROJECT_FILE, ProjectPaths
from wrapper.project.schema import ProjectFile
from wrapper.toml_text import to_toml

DEFAULT = "default"
SHIPPED_BASE = "demo"
"""The base model that comes with the program; any other is a path."""
LONGEST_LIST = 100
"""Characters of a list that a hint writes down."""


@dataclass(frozen=True)
class Project:
    """A project's settings and places. ``origins`` maps ``section.key`` to where a value was set."""

    paths: ProjectPaths
    settings: ProjectFile
    origins: Mapping[str, str]

    def origin(self, key: str) -> str:
        return self.origins.get(key, DEFAULT)

    def base(self, *, inpaint: bool) -> str:
        """The base model as `base_model.detect.resolve` takes it: `SHIPPED_BASE`, or a path."""
        name = self.settings.base.inpaint_model if inpaint else self.settings.base.model
        return name if name == SHIPPED_BASE else str(self.path(name))

    def refuse_borrowed(self, command: str) -> None:
        """Raise `UserError` where QC and dataset are another project's: ``command`` would write them."""
        if self.paths.lender:
            said = f"{self.paths.root}: its QC and dataset are those of {self.paths.lender} ([dataset] of)."
            raise UserError(said, f"lorawrap {command} --project {shlex.quote(str(self.paths.lender))}")

    def path(self, value: str) -> Path:
        """A path out of the project file: relative to the project's folder, ``~`` expanded."""
        return (self.paths.root / Path(value).expanduser()).resolve()


def load_project(folder: Path, overrides: Sequence[str] = ()) -> Project:
    """Read ``folder/lorawrap.toml``; every unknown key, wrong type and bad value is reported at once."""
    paths = ProjectPaths(folder.resolve())
    if not paths.file.is_file():
        raise UserError(
            f"{folder}: there is no {PROJECT_FILE} here.",
            "Make one with `lorawrap init`, or give --project DIR.",
        )
    written = parse_toml(paths.file)
    data, origins = merge(written, overrides)
    settings = validate(data, origins)
    return Project(ProjectPaths(paths.root, lender_of(paths.root, settings.dataset.of)), settings, origins)


def lender_of(root: Path, of: str) -> Path | None:
    """The folder of the project whose QC and dataset that in ``root`` uses; None for its own.

    Raises `UserError` when there is no project, or one that uses another's itself.
    """
    if not of:
        return None
    folder, where = (root / Path(of).expanduser()).resolve(), f"{root / PROJECT_FILE} [dataset.of]"
    if folder == root:
        raise UserError(f"{where}: is the project itself.", "Leave it out: a project has its own dataset.")
    if not (folder / PROJECT_FILE).is_file():
        raise UserError(f"{where}: there is no project in {folder}.", "Name the folder of a lorawrap.toml.")
    further = parse_toml(folder / PROJECT_FILE).get("dataset")
    if isinstance(further, dict) and further.get("of"):
        said = f"{where}: the project in {folder} uses the dataset of another one, too."
        raise UserError(said, f"Name that one: {folder / str(further['of'])}.")
    return folder


def parse_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; a syntax error or a wrong encoding is one sentence with file and line."""
    try:
        return from_toml(bounded_text(path, "utf-8-sig"))
    except NotUtf8 as error:
        raise UserError(f"{path}: {error}.", "Save the file as UTF-8.") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid TOML: {error}.") from None


def merge(written: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The file's tables with ``section.key=value`` overrides laid over them, and the origin of each value."""
    origins = {key: PROJECT_FILE for key, _ in leaves(written)}
    data = {key: dict(value) if isinstance(value, dict) else value for key, value in written.items()}
    for text in overrides:
        key, value = parse_override(text)
        lay_over(data, key.split("."), value)
        origins[key] = "--set"
    return data, origins


def parse_override(text: str) -> tuple[str, Any]:
    """``a.b=1e-4`` → ``("a.b", 0.0001)``; what is not a TOML value is a string."""
    key, separator, raw = text.partition("=")
    if not separator or not key.strip():
        raise UserError(f"--set {text}: expected KEY=VALUE.", "For example --set qc.preset=photo.")
    try:
        return key.strip(), from_toml(f"value = {raw.strip()}")["value"]
    except ValueError:
        return key.strip(), raw.strip()


def lay_over(data: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    """Set ``data[k1][k2]… = value`` without touching tables that others hold."""
    *tables, last = keys
    for key in tables:
        inner = data.get(key, {})
        if not isinstance(inner, dict):
            raise UserError(f"--set {'.'.join(keys)}: '{key}' is a value, not a table.")
        data[key] = dict(inner)
        data = data[key]
    data[last] = value


def leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``{"a": {"b": 1}}`` → ``("a.b", 1)``."""
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def validate(data: dict[str, Any], origins: Mapping[str, str]) -> ProjectFile:
    """Check ``data`` against the schema; raises one `UserError` that names every fault."""
    try:
        return ProjectFile.model_validate(data)
    except ValidationError as error:
        _problems(error, origins).raise_if_any()
        raise


def schema_problems(data: dict[str, Any], origins: Mapping[str, str]) -> Problems:
    """What `validate` would raise, as data."""
    try:
        ProjectFile.model_validate(data)
    except ValidationError as error:
        return _problems(error, origins)
    return Problems()


def _problems(error: ValidationError, origins: Mapping[str, str]) -> Problems:
    problems = Problems()
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        where = f"{origins.get(key, PROJECT_FILE)} [{key}]"
        if fault["type"] == "extra_forbidden":
            known = known_keys(fault["loc"][:-1])
            problems.add(where, "unknown key.", did_you_mean(str(fault["loc"][-1]), known))
        elif fault["type"] == "string_pattern_mismatch":
            said = f"'{fault['input']}' cannot be in the name of a file or in a prompt."
            problems.add(where, said, 'None of / \\ : < > " | ? * = , and no dot or space in front.')
        else:
            hint = _as_list(key, fault["input"]) if fault["type"] == "list_type" else ""
            said = f"{fault['msg'].removeprefix('Value error, ')} (found {fault['input']!r})."
            problems.add(where, said, hint)
    return problems


def _as_list(key: str, found: Any) -> str:
    """How ``found`` is written as a list; a shell takes the quotes away that nothing holds."""
    parts = found.strip("[] ").split(",") if isinstance(found, str) else [found]
    values = [parse_override(f"x={part}")[1] if isinstance(part, str) else part for part in parts]
    try:
        written = to_toml(values)
    except UserError:
        written = ""
    shown = f"{key}={written if 0 < len(written) <= LONGEST_LIST else '[…]'}"
    return f"A list stands in brackets, and on a command line in quotes: {shlex.quote(shown)}"


def known_keys(location: Sequence[Any]) -> list[str]:
    """The keys that the schema has in the table at ``location``."""
    model: type[BaseModel] = ProjectFile
    for part in location:
        model = _table(model.model_fields[str(part)].annotation)
    return list(model.model_fields)


def _table(annotation: Any) -> type[BaseModel]:
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next(option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
