"""What the last steps will ask for, checked before the first one: nobody should train for hours first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.project.load import SHIPPED_BASE

if TYPE_CHECKING:
    from wrapper.project.load import Project


def check_places(project: Project) -> None:
    """Raise `UserError` when a LoRA that is going to be trained has no place to go to."""
    from dataset_tools.files import check_place
    from wrapper.launch.stages import stages_of

    for stage in stages_of(project.settings, "all"):
        check_place(project.paths.lora(stage, project.settings.project.name))


def check_requests(project: Project) -> None:
    """Raise `UserError` for bases that are not there, and for prompts and samplings that would be refused."""
    from wrapper.diffusion.pipelines.opening import project_base
    from wrapper.diffusion.pipelines.sampling import Sampling, check_sampling
    from wrapper.diffusion.txt2img.generate import check_request
    from wrapper.diffusion.txt2img.project_pictures import plan_shots, wanted_size

    if project.base(inpaint=False) != SHIPPED_BASE:
        project_base(project, "txt2img")
    if project.base(inpaint=True) != SHIPPED_BASE and project.settings.stage_b.enabled:
        project_base(project, "inpaint")
    drawing, painting = project.settings.generate, project.settings.inpaint
    if drawing.prompts:
        prompts = [shot.prompt for shot in plan_shots(project, project.settings.project.name)]
        sampling = Sampling(drawing.sampler, drawing.steps, drawing.cfg)
        check_request(prompts, sampling, wanted_size(project))
    check_sampling(Sampling(painting.sampler, painting.steps, painting.cfg))
