"""What each step's result depends on, as plain data: change any of it, and the step is done again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.files import content_hash
from wrapper import __version__

if TYPE_CHECKING:
    from wrapper.project.load import Project


@dataclass(frozen=True)
class Inputs:
    """The inputs of a project's steps. Photographs are known by size and time, results by contents."""

    project: Project

    def photographs(self) -> Any:
        from dataset_tools.manifest import read_manifest

        file = self.project.settings
        source = self.project.path(file.manifest.path)
        manifest = read_manifest(source, file.manifest.defaults)
        rows = [row.model_dump(mode="json") for row in manifest.rows]
        images = [_stamp(manifest.image_path(row)) for row in manifest.rows]
        return [__version__, _plain(file.qc), _plain(file.manifest), rows, images]

    def build(self) -> Any:
        from dataset_tools.manifest import read_manifest
        from wrapper.steps.dataset import class_images

        file = self.project.settings
        manifest = read_manifest(self.project.path(file.manifest.path), file.manifest.defaults)
        masks = [_stamp(path) for row in manifest.rows if (path := manifest.mask_path(row))]
        sections = (file.crop, file.masks, file.captions, file.balance, file.dataset, file.regularisation)
        found = [_stamp(path) for path in class_images(self.project, generate=False)]
        return [[_plain(section) for section in sections], masks, found]

    def stages(self) -> Any:
        file = self.project.settings
        return [_plain(section) for section in (file.project, file.base, file.stage_a, file.stage_b)]

    def training(self, stage: str) -> Any:
        from wrapper.kohya.render import render_stage
        from wrapper.launch.record import model_hash

        rendered = render_stage(self.project, stage)
        base = self.project.settings.base
        name = base.inpaint_model if stage == "stage_b" else base.model
        model = name if name == "demo" else model_hash(self.project.path(name))
        return [
            rendered.train_toml,
            rendered.dataset_toml,
            model,
            self._loras("stage_a") if stage == "stage_b" else [],
        ]

    def generate(self) -> Any:
        return [_plain(self.project.settings.generate), self._loras("stage_a", "stage_b")]

    def evaluate(self) -> Any:
        file = self.project.settings
        return [_plain(file.evaluate), _plain(file.inpaint), self._loras("stage_a", "stage_b")]

    def export(self) -> Any:
        return [_plain(self.project.settings.export), self._loras("stage_a", "stage_b")]

    def _loras(self, *stages: str) -> list[str]:
        name = self.project.settings.project.name
        files = [self.project.paths.lora(stage, name) for stage in stages]
        return [content_hash(path) for path in files if path.is_file()]


def _stamp(path: Path) -> list[Any]:
    """``path`` with its size and time of change, which any edit alters."""
    try:
        facts = path.stat()
    except OSError:
        return [str(path), "missing"]
    return [str(path), facts.st_size, facts.st_mtime_ns]


def _plain(section: Any) -> dict[str, Any]:
    return section.model_dump(mode="json")
