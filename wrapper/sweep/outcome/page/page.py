"""``sweep.html``: a whole sweep on one page that opens from disk; the pictures are found beside it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.files import write_text
from dataset_tools.progress import clock
from dataset_tools.quality.page.page import as_script
from dataset_tools.wording import count_of
from wrapper import __version__
from wrapper.evaluation.choosing import FEW_UNITS
from wrapper.evaluation.comparing import Gap
from wrapper.evaluation.words import STAGES as TITLES
from wrapper.evaluation.words import gap_words
from wrapper.report.checkpoints import headed
from wrapper.shipped_templates import templates
from wrapper.sweep.outcome.page.dots import setting_pictures
from wrapper.sweep.outcome.page.losses import losses_picture
from wrapper.sweep.outcome.page.maps import setting_maps
from wrapper.sweep.outcome.page.pictures import Shelf, held_out_pictures
from wrapper.sweep.outcome.page.table import failures, heads, lines
from wrapper.sweep.outcome.ranking import Ranking
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.shown import setting_words, settings_toml, swept_names
from wrapper.sweep.outcome.words import ranking_words
from wrapper.sweep.trials import Sweep

PAGE = "sweep.html"
OPEN_ROWS = 50
"""So many trials are seen at once; the others unfold."""


@dataclass(frozen=True)
class Command:
    """What to type, and what it is for."""

    text: str
    why: str


@dataclass(frozen=True)
class Tile:
    figure: str
    label: str


def write_page(sweep: Sweep, ranking: Ranking) -> Path:
    """Write the page into the sweep's folder, small copies of pictures beside it."""
    shelf = Shelf(sweep.folder)
    path = sweep.folder / PAGE
    write_text(path, render(ranking, shelf))
    shelf.clear()
    return path


def render(ranking: Ranking, shelf: Shelf) -> str:
    """The page as text."""
    return templates("html").get_template("sweep.html.j2").render(**page(ranking, shelf))


def page(ranking: Ranking, shelf: Shelf) -> dict[str, Any]:
    """Everything that the template shows, ready to be shown."""
    shorts = swept_names(ranking.sweep)
    group, metric = (ranking.groups[0], ranking.metric) if ranking.groups else (None, None)
    pictures = held_out_pictures(group, shelf) if group else {"images": [], "columns": []}
    first, *text = ranking_words(ranking)
    trials = lines(ranking)
    return {
        "version": __version__,
        "name": ranking.sweep.name,
        "facts": facts(ranking),
        "headline": first,
        "text": text,
        "tone": _tone(ranking.best),
        "tiles": tiles(ranking),
        "heads": heads(ranking),
        "lines": trials,
        "open_rows": OPEN_ROWS,
        "measure": headed(metric) if metric else "",
        "dots": setting_pictures(group, metric, shorts) if group and metric else [],
        "maps": setting_maps(group, metric, shorts) if group and metric else [],
        "losses": losses_picture(ranking.rows, ranking.stage),
        "stage": TITLES[ranking.stage],
        "images": pictures["images"],
        "failures": failures(trials),
        "toml": settings_toml(ranking.sweep.settings_of(ranking.best.trial)) if ranking.best else "",
        "commands": commands(ranking),
        "data": as_script({"pictures": pictures, "titles": _titles(ranking.rows, shorts)}),
    }


def _titles(rows: Sequence[Row], shorts: dict[str, str]) -> dict[str, str]:
    """By trial, what it is called where it is pointed at."""
    told = {row.id: setting_words(row.trial.settings, shorts) for row in rows}
    places = {row.id: f", place {row.place}" for row in rows if row.group == 0}
    return {name: f"{name}: {words}{places.get(name, '')}" for name, words in told.items()}


def facts(ranking: Ranking) -> str:
    """How many trials, what became of them, and how long they were trained."""
    counts: dict[str, int] = {}
    for row in ranking.rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    spent = sum(row.trained.minutes or 0 for row in ranking.rows)
    parts = [count_of(len(ranking.rows), "trial"), *(f"{count} {status}" for status, count in counts.items())]
    return " · ".join([*parts, f"trained for {clock(spent * 60)} in all"])


def tiles(ranking: Ranking) -> list[Tile]:
    """The best trial in four figures."""
    best, metric = ranking.best, ranking.metric
    if best is None or metric is None:
        return []
    found = [Tile(best.id, "the best trial"), Tile(metric.show(best.mean or 0.0), metric.title)]
    if best.gain:
        shown = gap_words(best.gain, metric)
        figure, _, between = shown.partition(" (")
        label = "over the untouched base, which is noise" if best.gain.is_noise else _better(best.gain)
        found.append(Tile(figure, f"{label}{', ' + between.rstrip(')') if between else ''}"))
    if best.best_chance is not None and len(ranking.groups[0].rows) > 1 and _many(ranking):
        chance = f"{best.best_chance:.0%}".replace("%", " %")
        found.append(Tile(chance, "of resampled sets of images in which it comes first"))
    return found


def _better(gain: Gap) -> str:
    return f"{'better' if gain.mean > 0 else 'worse'} than the untouched base"


def _tone(best: Row | None) -> str:
    """Nothing is shown to be good while the best cannot be told from no LoRA at all."""
    helps = best is not None and (best.gain is None or (best.gain.mean > 0 and not best.gain.is_noise))
    return "good" if helps else "open"


def _many(ranking: Ranking) -> bool:
    """Whether there are images enough to resample them."""
    return len(ranking.groups[0].standing.units) >= FEW_UNITS


def commands(ranking: Ranking) -> list[Command]:
    """What one would type now, in the project's folder."""
    sweep, best = ranking.sweep, ranking.best
    found, name = [], shlex.quote(sweep.name)
    if best:
        where = shlex.quote(Path(os.path.relpath(best.trial.folder, sweep.project)).as_posix())
        found += [
            Command(f"lorawrap generate --project {where}", f"Draw the project's prompts with {best.id}."),
            Command(f"lorawrap export --project {where}", f"Deliver the LoRA of {best.id}."),
            Command(
                f"lorawrap sweep adopt {name} --trial {best.id}",
                f"Put the settings of {best.id} into lorawrap.toml.",
            ),
            Command(f"lorawrap report --project {where}", f"All about {best.id} on one page."),
        ]
    if any(row.status in ("waiting", "interrupted", "died") for row in ranking.rows):
        found.append(Command(f"lorawrap sweep run {name}", "Go on with the trials that are still to come."))
    if any(row.status == "failed" for row in ranking.rows):
        again = f"lorawrap sweep run {name} --again failed"
        found.append(Command(again, "Try the failed ones again, when their cause is mended."))
    return found
