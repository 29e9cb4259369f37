"""docs/CONFIGURATION.md: ``lorawrap.toml``, presets, Kohya's keys, the environment, exit codes."""

from __future__ import annotations

import inspect
import re

from dataset_tools.captioning.phrases import library
from docs.reference.environment import VARIABLES
from docs.reference.kohya_keys import dataset_keys, refused_keys, train_keys
from docs.reference.markdown import code, page, prose, table
from docs.reference.presets import main_preset, other_presets
from docs.reference.schema import Key, sections
from docs.reference.thresholds import threshold_table
from wrapper.cli import main

INTRODUCTION = """\
# Configuration

Every key of `lorawrap.toml` in its order, with its default. Made from the code by `python -m docs.reference`;
don't edit it. An unknown key, a wrong type and a value out of its range are refused, all at once, with the
nearest known name. `--set SECTION.KEY=VALUE` sets one value for one command; relative paths count from the
project's folder."""
TEMPLATES = """\
## Caption templates

What `captions.template` may name. `trigger` and `class_word` are the project's; `words` are phrases for what
the row says, empty where it says nothing; commas about what is empty go."""
PRESETS = """\
## Presets

What `[stage_a] preset` and `[stage_b] preset` set, by Kohya's own names; `[stage_a.kohya]` and
`[stage_b.kohya]` lie over them. `lorawrap init` chooses by the GPU's memory. `default` is `16gb`, below;
`kohya` sets nothing and leaves all to sd-scripts' defaults. `lorawrap render --dry-run` shows where each
value of a run comes from. How often to save follows from the run's length, about ten checkpoints, unless
one of `save_every_n_epochs`, `save_every_n_steps` and `save_n_epoch_ratio` is set."""
OTHERS = """\
The presets for other cards change how it is computed, not what is learned; `cpu` and `demo` also have a lower
rank."""
KOHYA = """\
## Kohya's keys

With `--engine sd-scripts`, every option that your sd-scripts has may be set: `lorawrap vendor options
train_network.py` lists them. The embedded trainer honours the keys below and refuses all others by name."""
REFUSED = """\
### Known to sd-scripts, refused by the embedded trainer"""
THRESHOLDS = """\
## QC's thresholds

The keys of `[qc.thresholds]`, with the values of both presets; an empty one switches that rule off.
[QC_PIPELINE.md](QC_PIPELINE.md) says what is measured."""


def configuration_page() -> str:
    """The whole page."""
    found = sections()
    return page(
        INTRODUCTION,
        *(_section(name, text, keys) for name, (text, keys) in found.items()),
        TEMPLATES,
        table(("name", "text"), [(code(name), code(text)) for name, text in library()["templates"].items()]),
        THRESHOLDS,
        threshold_table(),
        PRESETS,
        main_preset(),
        OTHERS,
        other_presets(),
        KOHYA,
        "### Training file",
        train_keys(),
        "### Dataset file",
        dataset_keys(),
        REFUSED,
        refused_keys(),
        "## Environment variables",
        table(("variable", "what it does"), [(code(name), prose(text)) for name, text in VARIABLES.items()]),
        "## Exit codes",
        table(("code", "means"), exit_codes()),
    )


def exit_codes() -> list[tuple[str, str]]:
    """The codes that `wrapper.cli.main` promises, with their meanings."""
    said = re.search(r"Exit codes: (.*?)\.$", " ".join(inspect.getdoc(main).split()))
    assert said is not None, "wrapper/cli/main.py says the exit codes at its top"
    return [tuple(part.split(" ", 1)) for part in said[1].split(", ")]  # type: ignore[misc]


def _section(name: str, text: str, keys: list[Key]) -> str:
    heading = table(("key", "type", "default", "meaning"), [_row(key) for key in keys])
    return page(f"## [{name}]", prose(text.replace("``", "`")), heading)


def _row(key: Key) -> tuple[str, str, str, str]:
    kind = f"{key.type}, {key.limits}" if key.limits else key.type
    return code(key.name), kind, code(key.default), prose(key.meaning)
