"""What each step's result depends on, as plain data: change any of it, and the step is done again.

Files count by their contents, and no input has the project's own place in it: a project that was moved,
copied or touched is as up to date as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.building.ownership import written_files
from dataset_tools.system.left_by_systems import files_below
from wrapper import __version__
from wrapper.contents import Contents
from wrapper.evaluation.taken import FILE as CHOICE
from wrapper.project.layout import STAGES
from wrapper.project.load import SHIPPED_BASE

if TYPE_CHECKING:
    from dataset_tools.manifests.manifest import Manifest
    from wrapper.project.load import Project


@dataclass(frozen=True)
class Inputs:
    """The inputs of a project's steps, each asked for when its step's turn comes."""

    project: Project
    contents: Contents

    def photographs(self) -> Any:
        file, manifest = self.project.settings, self._manifest()
        rows = [row.model_dump(mode="json") for row in manifest.rows]
        images = self.contents.of(manifest.image_path(row) for row in manifest.rows)
        return [__version__, _plain(file.qc), rows, images]

    def build(self) -> Any:
        from wrapper.steps.dataset import class_images

        file, manifest = self.project.settings, self._manifest()
        rows = [row.model_dump(mode="json") for row in manifest.rows]
        files = [manifest.image_path(row) for row in manifest.rows]
        files += [path for row in manifest.rows if (path := manifest.mask_path(row))]
        files += [*class_images(self.project, generate=False), self.project.paths.qc / "qc.jsonl"]
        sections = (file.qc, file.crop, file.masks, file.captions, file.balance, file.dataset)
        asked = [_plain(section) for section in (*sections, file.regularisation)]
        enabled = [getattr(file, stage).enabled for stage in STAGES]
        return [asked, enabled, file.project.seed, self._class_base(), rows, self.contents.of(files)]

    def rendered(self) -> Any:
        """The rendered files hold absolute paths: they alone are stale in another place."""
        file = self.project.settings
        sections = (file.project, file.base, file.stage_a, file.stage_b)
        record = self.contents.of([self.project.paths.dataset / "dataset.json"])
        return [str(self.project.paths.root), record, [_plain(section) for section in sections]]

    def training(self, stage: str) -> Any:
        from wrapper.kohya.render import render_stage

        rendered = render_stage(self.project, stage)
        texts = [self._settings(text) for text in (rendered.train_toml, rendered.dataset_toml)]
        start = self._loras("stage_a") if stage == "stage_b" else []
        return [texts, self._built(stage), self._base(inpaint=stage == "stage_b"), start]

    def generate(self) -> Any:
        return [_plain(self.project.settings.generate), self._base(inpaint=False), self._loras(*STAGES)]

    def evaluate(self) -> Any:
        from wrapper.evaluation.judges import judge_files

        file = self.project.settings
        asked = [_plain(file.evaluate), _plain(file.inpaint)]
        judges = [file for files in judge_files(self.project).values() for file in files]
        bases = [self._base(inpaint=True), self._base(inpaint=False)]
        built = [self._built(part) for part in ("holdout", *STAGES)]
        measured = self.contents.of([*self._checkpoints(), *judges])
        return [asked, _plain(file.generate), built, bases, self._loras(*STAGES), measured]

    def export(self) -> Any:
        paths, file = self.project.paths, self.project.settings
        asked = [_plain(section) for section in (file.export, file.captions, file.generate, file.inpaint)]
        files = [paths.images / "txt2img.json", paths.evaluation, paths.root / CHOICE]
        shown = self.contents.of([*files, *self._chosen()])
        return [asked, self._built("holdout"), self._loras(*STAGES), shown]

    def report(self) -> Any:
        paths = self.project.paths
        files = [paths.qc / "qc.jsonl", paths.dataset / "dataset.json", paths.images / "txt2img.json"]
        files += [paths.run(stage).record for stage in STAGES]
        files += [paths.evaluation, paths.root / CHOICE, paths.export / "export.json"]
        return self.contents.of(files)

    def _class_base(self) -> Any:
        """What draws the class images, where they are drawn."""
        file = self.project.settings
        if file.regularisation.source != "generate" or not file.stage_a.enabled:
            return None
        return [file.generate.cfg, self._base(inpaint=False)]

    def _manifest(self) -> Manifest:
        from dataset_tools.manifests.manifest import read_manifest

        asked = self.project.settings.manifest
        return read_manifest(self.project.path(asked.path), asked.defaults)

    def _built(self, part: str) -> Any:
        """What lies in ``dataset/<part>``: a new reason for a refused image is no reason to train anew."""
        return self.contents.of(written_files(self.project.paths.dataset, part))

    def _settings(self, toml: str) -> str:
        """A rendered file without comments (a seal is one), the project's place and the run's number."""
        from wrapper.runs.settings import placeless

        lines = [line.partition("  # ")[0] for line in toml.splitlines() if not line.startswith("#")]
        return placeless("\n".join(lines), *self.project.paths.roots)

    def _base(self, *, inpaint: bool) -> Any:
        base = self.project.settings.base
        name = base.inpaint_model if inpaint else base.model
        path = self.project.path(name)
        if name == SHIPPED_BASE or not path.exists():
            return name
        files = [path] if path.is_file() else files_below(path)
        return self.contents.of(files)

    def _checkpoints(self) -> list[Path]:
        """What the stages' runs saved on the way, as far as [evaluate] asks for it."""
        from wrapper.evaluation.checkpoints import find_checkpoints

        name, asked = self.project.settings.project.name, self.project.settings.evaluate
        wanted = (asked.checkpoints, asked.max_checkpoints)
        some = [find_checkpoints(self.project.paths, stage, name, *wanted) for stage in STAGES]
        return [one.path for stage in some for one in stage]

    def _chosen(self) -> list[Path]:
        """The checkpoints that are delivered."""
        from wrapper.evaluation.taken import taken_checkpoint

        name, paths = self.project.settings.project.name, self.project.paths
        return [taken_checkpoint(paths, name, stage).path for stage in STAGES]

    def _loras(self, *stages: str) -> Any:
        name = self.project.settings.project.name
        return self.contents.of(self.project.paths.lora(stage, name) for stage in stages)


def _plain(section: Any) -> dict[str, Any]:
    return section.model_dump(mode="json")
