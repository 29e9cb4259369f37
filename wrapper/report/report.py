"""``report.html``: a whole job on one page that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataset_tools.files import write_text
from wrapper import __version__
from wrapper.project.layout import STAGES, ProjectPaths
from wrapper.project.load import Project
from wrapper.records import in_form, read_json
from wrapper.shipped_templates import templates

CONTENTS = (
    ("verdict", "Verdict"),
    ("inpainting", "Inpainting"),
    ("txt2img", "txt2img"),
    ("scores", "Scores"),
    ("checkpoints", "Checkpoints"),
    ("quality", "QC"),
    ("dataset", "Dataset"),
    ("training", "Training"),
    ("delivery", "Export"),
    ("environment", "Environment"),
)


def write_report(project: Project) -> Path:
    """Write ``report.html`` from what the project's steps left behind; parts that are missing are named."""
    write_text(project.paths.report, render(project))
    return project.paths.report


def render(project: Project) -> str:
    """The page as text."""
    shown = page(project)
    with in_form(project.paths.root):
        text = templates("html").get_template("report.html.j2").render(**shown)
    return text.encode("utf-8", "replace").decode("utf-8")  # a name may hold bytes that are no text


def page(project: Project) -> dict[str, Any]:
    """Everything that the templates show, ready to be shown."""
    from dataset_tools.building.dataset import RECORD_FILE
    from wrapper.evaluation.taken import FILE as CHOICE
    from wrapper.export.job import RECORD as EXPORTED
    from wrapper.report.checkpoints import checkpoints_part
    from wrapper.report.dataset import dataset_part
    from wrapper.report.delivery import delivery_part
    from wrapper.report.evaluation import Evaluation
    from wrapper.report.quality import quality_part
    from wrapper.report.training import training_part
    from wrapper.report.txt2img import txt2img_part

    paths = project.paths
    with in_form(paths.evaluation):
        evaluation = Evaluation(paths)
        judged = {
            "verdict": evaluation.verdict(),
            "inpainting": evaluation.inpainting(),
            "scores": evaluation.scores(),
        }
    with in_form(paths.evaluation, paths.root / CHOICE):
        checkpoints = checkpoints_part(paths, project.settings.project.name)
    with in_form(paths.images / "txt2img.json"):
        txt2img = txt2img_part(paths)
    with in_form(paths.qc / "qc.jsonl"):
        quality = quality_part(paths, photographs(project))
    with in_form(paths.dataset / RECORD_FILE):
        dataset = dataset_part(paths)
    with in_form(*(paths.run(stage).record for stage in STAGES)):
        training, versions = training_part(paths), environment(paths)
    with in_form(paths.export / EXPORTED):
        delivery = delivery_part(paths)
    return {
        **judged,
        "version": __version__,
        "name": project.settings.project.name,
        "contents": CONTENTS,
        "txt2img": txt2img,
        "checkpoints": checkpoints,
        "quality": quality,
        "dataset": dataset,
        "training": training,
        "delivery": delivery,
        "environment": versions,
    }


def photographs(project: Project) -> Path:
    """The folder that the manifest's image paths are relative to."""
    manifest = project.path(project.settings.manifest.path)
    return manifest if manifest.is_dir() else manifest.parent


def environment(paths: ProjectPaths) -> list[tuple[str, str]]:
    """Names and versions from the newest run's record; empty when nothing was trained."""
    records = [record for stage in STAGES if (record := read_json(paths.run(stage).record)) is not None]
    return list(records[-1].get("versions", {}).items()) if records else []
