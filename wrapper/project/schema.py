"""The strict schema of ``lorawrap.toml``. Defaults have their one home here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dataset_tools.system.portable_names import fault_of


class Section(BaseModel):
    """A table of the project file: unknown keys are errors, values keep their types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


_NAME = r'^[^\s./\\:<>"|?*=,\x00-\x1f\x7f][^/\\:<>"|?*=,\x00-\x1f\x7f]*$'
_MOST_NAME_BYTES = 150
"""A checkpoint's name has some 50 more, a temporary folder's 20: 255 is what file systems take."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _for_files(name: str) -> str:
    fault = fault_of(name)
    if not fault and len(name.encode("utf-8", "replace")) > _MOST_NAME_BYTES:
        fault = f"it must have at most {_MOST_NAME_BYTES} bytes"
    if fault:
        raise ValueError(f"no file can be called so everywhere: {fault}")
    return name


Name = Annotated[str, Field(min_length=1, max_length=60, pattern=_NAME), AfterValidator(_for_files)]


class ProjectSection(Section):
    name: Name = "mylora"
    """What the LoRA files are called, too; nothing that a path or a prompt cannot hold, no dot in front."""
    seed: Seed = 7
    """For the held-out split, drawn masks, re-lit copies, and training."""
    engine: Literal["auto", "embedded", "sd-scripts"] = "auto"
    """auto: sd-scripts where it is installed and has a GPU, or is named by the environment; else the
    embedded one."""


class ManifestSection(Section):
    path: str = "manifest.jsonl"
    """A folder of photographs, or a .json, .jsonl or .csv file with a row an image."""
    defaults: dict[str, Any] = {}
    """Fields of a manifest's row, for the rows that don't have them."""


class BaseSection(Section):
    """Base models: a diffusers folder, a single ``.safetensors`` file, or ``demo``."""

    model: str = "demo"
    """What Stage A trains on and txt2img draws with."""
    inpaint_model: str = "demo"
    """What Stage B trains on and inpainting paints with; nine channels."""


class QcSection(Section):
    preset: str = "photo"
    """The limits of each measure: photo, or tiny for small drawings."""
    thresholds: dict[str, float] = {}
    """Single limits over the preset's, as blur_px_warn = 0.2."""
    keep_warned: bool = True
    """Build also from what QC warns about."""


class CropSection(Section):
    size: int = Field(512, ge=64, le=2048, multiple_of=64)
    """Side of a square, or of the square that a bucket has the area of, px."""
    shape: Literal["square", "bucket"] = "square"
    """Squares, or the aspect-ratio bucket that is nearest to each photograph's own shape."""
    context: float = Field(3.0, ge=1.0, le=20.0)
    """Side of the crop over the longer side of the mask's or ear's box."""


class MasksSection(Section):
    source: Literal["manifest", "synthetic", "sam"] = "manifest"
    """The manifest's own; drawn from each row's ear_box; or cut out by SAM, from the same box."""
    dilate_px: int = Field(0, ge=0, le=256)
    """Every mask grows by so much, px of the photograph."""
    sam_model: str = ""
    """Folder of a Segment Anything model, for source = 'sam'."""


class CaptionsSection(Section):
    source: Literal["template", "files", "blip"] = "template"
    """A template over the row's fields, NAME.txt beside the picture, or BLIP."""
    template: str = "portrait"
    """portrait, figure, ear, plain, prompt (the row's own), or Jinja2 text over the row's fields."""
    trigger: str = "myface"
    """The word that calls the LoRA up; put first in every caption."""
    class_word: str = "person"
    """What the subject is one of: woman, man, person."""
    blip_model: str = ""
    """Folder of a BLIP model, for source = 'blip'."""


class BalanceSection(Section):
    by: list[str] = []
    """Bucket keys whose combinations are shown equally often: age, pose, view, type, ear_side, occlusion,
    client_class or a tag."""
    shares: dict[str, float] = {}
    """How much of an epoch a bucket gets against others; 1 where nothing is said."""
    max_repeats: int = Field(20, ge=1, le=1000)
    """The most that one image is repeated in an epoch."""
    epoch_images: int = Field(0, ge=0)
    """Wanted images an epoch, 0 for the smallest balanced number."""
    max_images: int = Field(0, ge=0)
    """The most images an epoch may have, and so the most steps; 0 for any number."""


class DatasetSection(Section):
    holdout: Literal["manifest", "subject", "image", "none"] = "manifest"
    """What is kept out of training to measure on: rows that say so, subjects, images, or nothing."""
    holdout_share: float = Field(0.2, ge=0.0, lt=1.0)
    """How much of the images, for subject and image."""
    mirror: bool = False
    """A mirrored copy of every training image."""
    relight: int = Field(0, ge=0)
    """How many re-lit copies to make in all, shared out over the training images."""
    of: str = ""
    """Folder of another project, whose QC and dataset this one uses; empty for its own."""


class RegularisationSection(Section):
    """Class images for prior preservation: found in a folder, or generated by the base model."""

    source: Literal["folder", "generate", "none"] = "none"
    """Found in a folder, drawn by the base model, or none at all."""
    folder: str = ""
    """For source = 'folder'; NAME.txt beside an image is its caption."""
    count: int = Field(0, ge=0)
    """How many to use, 0 for as many as an epoch of Stage A needs."""
    prompt: str = ""
    """For source = 'generate'; 'photo of a' and the class word where it is empty."""
    steps: int = Field(25, ge=1)
    """Denoising steps for each of them, for source = 'generate'."""


class StageSection(Section):
    """A training stage: a preset, and any Kohya key on top of it."""

    enabled: bool = True
    """Whether the stage is part of the job."""
    preset: str = "default"
    """Training settings for a kind of machine; the tables are below."""
    kohya: dict[str, Any] = {}
    """Any key of sd-scripts by its own name, over the preset's."""


class GenerateSection(Section):
    prompts: list[str] = []
    """What `generate` draws, with and without the LoRA."""
    negative: str = ""
    """What the pictures should not show."""
    sampler: str = "Euler a"
    """A1111's name."""
    steps: int = Field(40, ge=1, le=1000)
    """Denoising steps."""
    cfg: float = Field(5.0, ge=0.0, le=50.0)
    """How strictly the prompt is followed."""
    width: int = Field(512, ge=8, multiple_of=8)
    """Pixels."""
    height: int = Field(512, ge=8, multiple_of=8)
    """Pixels."""
    seeds: list[Seed] = [1, 2]
    """Each prompt is drawn with each of them."""
    lora_weight: float = 1.0
    """How strongly the LoRA acts."""


class InpaintSection(Section):
    sampler: str = "Euler a"
    """A1111's name."""
    steps: int = Field(40, ge=1, le=1000)
    """Denoising steps, of which strength takes its share."""
    cfg: float = Field(5.0, ge=0.0, le=50.0)
    """How strictly the prompt is followed."""
    strength: float = Field(1.0, gt=0.0, le=1.0)
    """1 for what is missing, 0.35 to 0.55 for a repair."""
    mask_blur_px: int = Field(4, ge=0)
    """Width of the mask's soft edge, px of the photograph."""
    padding_px: int = Field(32, ge=0)
    """What the model sees about the mask, px of the photograph."""
    work_size: int = Field(512, ge=64, multiple_of=8)
    """Side that the masked part is scaled to while it is painted, px."""
    lora_weight: float = 1.0
    """How strongly the LoRA acts."""


class EvaluateSection(Section):
    """What is measured on held-out images, and by what the best checkpoint is chosen."""

    seeds: list[Seed] = [1, 2, 3]
    """Each held-out image is repainted with each of them."""
    images: int = Field(0, ge=0)
    """How many held-out images to use, 0 for all."""
    checkpoints: str = "all"
    """Which of a run's checkpoints are measured: all, last, or a pattern of file names."""
    max_checkpoints: int = Field(0, ge=0)
    """The most of a stage's checkpoints, spread evenly; 0 for any number."""
    checkpoint_seeds: int = Field(0, ge=0)
    """With how many of the seeds checkpoints are painted, 0 for all."""
    loss_timesteps: int = Field(8, ge=1, le=1000)
    """At how many timesteps an image's denoising loss is measured."""
    choose_by: Literal[
        "auto", "psnr_db", "ssim", "lpips", "seam", "colour", "sharpness", "identity", "prompt", "loss"
    ] = "auto"
    """What the best checkpoint is best in; auto: masked PSNR, else identity, else the loss."""
    lpips_weights: list[str] = []
    """AlexNet's or VGG16's weights and LPIPS's heads: two files of yours, for LPIPS."""
    face_model: str = ""
    """An ONNX network of face embeddings, for identity."""
    face_pixels: Literal["-1..1", "0..255"] = "-1..1"
    """What that network takes."""
    face_box: list[float] = []
    """Where the face is: left, top, right, bottom as shares of the picture; empty for the middle square."""
    clip_model: str = ""
    """Folder of a CLIP model: do the pictures show what the prompts ask for?"""


class ExportSection(Section):
    targets: list[Literal["a1111", "forge", "comfyui", "diffusers", "folder"]] = ["a1111", "comfyui"]
    """The programs that files are made for."""
    precision: Literal["fp16", "bf16", "fp32"] = "fp16"
    """How precisely the weights are written; every program takes fp16."""
    description: str = ""
    """What A1111 shows beside the LoRA."""
    weight: float = 1.0
    """The weight that A1111 begins with."""
    negative: str = ""
    """The negative prompt that goes with it; empty for [generate] negative."""
    notes: str = ""
    """What A1111 shows as notes, before where the LoRA comes from."""


class ProjectFile(Section):
    """The whole of ``lorawrap.toml``."""

    project: ProjectSection = ProjectSection()
    manifest: ManifestSection = ManifestSection()
    base: BaseSection = BaseSection()
    qc: QcSection = QcSection()
    crop: CropSection = CropSection()
    masks: MasksSection = MasksSection()
    captions: CaptionsSection = CaptionsSection()
    balance: BalanceSection = BalanceSection()
    dataset: DatasetSection = DatasetSection()
    regularisation: RegularisationSection = RegularisationSection()
    stage_a: StageSection = StageSection()
    stage_b: StageSection = StageSection()
    generate: GenerateSection = GenerateSection()
    inpaint: InpaintSection = InpaintSection()
    evaluate: EvaluateSection = EvaluateSection()
    export: ExportSection = ExportSection()
