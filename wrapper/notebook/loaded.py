"""Importing this imports what most commands import: one that is forked off afterwards need not wait.

Nothing here may open CUDA, for a process that has cannot be forked; imports do not.
"""

from __future__ import annotations

from importlib import import_module

from wrapper.quiet import quiet_libraries

NAMES = (
    "cv2",
    "scipy.stats",
    "torch",
    "peft.tuners.lora",
    "transformers.models.clip.modeling_clip",
    "transformers.models.clip.tokenization_clip",
    "diffusers.loaders.single_file_utils",
    "diffusers.models.controlnets.controlnet",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint",
    "diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl",
    "diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_inpaint",
)

with quiet_libraries():
    for _name in NAMES:
        import_module(_name)
