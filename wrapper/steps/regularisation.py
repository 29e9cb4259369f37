"""Class images that the base model itself draws, for prior preservation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.files import data_hash
from dataset_tools.wording import count_of

if TYPE_CHECKING:
    from wrapper.project.load import Project


def images(project: Project, count: int) -> list[Path]:
    """``count`` pictures of the class by the project's base, one a seed; those that are there are kept."""
    from wrapper.diffusion.pipelines.opening import open_pipeline, project_base
    from wrapper.diffusion.pipelines.sampling import Sampling
    from wrapper.diffusion.prompts.prompt import Prompt
    from wrapper.diffusion.txt2img.generate import draw
    from wrapper.diffusion.txt2img.project_pictures import save_drawn

    asked, size = project.settings.regularisation, project.settings.crop.size
    text = asked.prompt or f"photo of a {project.settings.captions.class_word}"
    info = project_base(project, "txt2img")
    key = data_hash([str(info.path), text, asked.steps, size])[:12]
    folder = project.paths.cache / "regularisation" / key
    wanted = [folder / f"class_{seed:05d}.png" for seed in range(count)]
    missing = [path for path in wanted if not path.is_file()]
    if missing:
        prompts = [Prompt(text, seed=int(path.stem.removeprefix("class_"))) for path in missing]
        pipeline = open_pipeline(info, "txt2img")
        sampling = Sampling("Euler a", asked.steps, project.settings.generate.cfg)
        title = f"{count_of(len(missing), 'class image')}, steps"
        drawn = draw(pipeline, info, prompts, sampling, (size, size), title=title)
        for path, picture in zip(missing, drawn, strict=True):
            save_drawn(path, picture)
    return wanted
