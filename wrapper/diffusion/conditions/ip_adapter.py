"""IP-Adapters: the user's weights, checked against the base, and what they make of the user's images.

Ye et al. 2023, "IP-Adapter". Plain, plus (and plus face) and full-face weights; those for FaceID take the
embedding of a face recogniser instead of an image, and are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.detect import read_json
from wrapper.base_model.kinds import base_title
from wrapper.base_model.load import load_part
from wrapper.diffusion.conditions.conditions import IpAdapter
from wrapper.quiet import quiet_libraries
from wrapper.safetensors_header import read_header

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
Form = Literal["plain", "full", "plus"]
_PROJECTIONS: dict[Form, str] = {
    "plain": "image_proj.proj.weight",
    "full": "image_proj.proj.0.weight",
    "plus": "image_proj.proj_in.weight",
}
"""The tensor whose second size is the width of what the image encoder gives."""


def check_adapters(adapters: Sequence[IpAdapter], text_width: int) -> None:
    """Raise one `UserError` for files that are no IP-Adapter, or one for a base of another ``text_width``."""
    problems = Problems()
    for adapter in adapters:
        shapes = adapter_shapes(adapter.file)
        fault = (
            form_fault(shapes) or width_fault(shapes, text_width) or encoder_fault(shapes, adapter.encoder)
        )
        if fault:
            problems.add(adapter.file, fault)
    problems.raise_if_any(hint="Give an IP-Adapter for this kind of base model, with its own image encoder.")


def adapter_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Tensor names and shapes. Raises `UserError` for a file that is not whole."""
    return {name: spec.shape for name, spec in read_header(file).tensors.items()}


def form_of(shapes: Shapes) -> Form | None:
    """Plain, full-face or plus; None for weights that take no image, such as FaceID's."""
    if "image_proj.proj.weight" in shapes:
        return "plain"
    if "image_proj.latents" in shapes and _PROJECTIONS["plus"] in shapes:
        return "plus"
    return "full" if "image_proj.proj.3.weight" in shapes else None


def form_fault(shapes: Shapes) -> str:
    """Why these are not the weights of an IP-Adapter for images; empty when they are."""
    if not _key_widths(shapes):
        return "is no IP-Adapter: it has no ip_adapter.… weights."
    if form_of(shapes) is None:
        return "is an IP-Adapter of a form that takes no image, such as FaceID."
    return ""


def width_fault(shapes: Shapes, text_width: int) -> str:
    """How its text width differs from the base's; empty when it does not."""
    widths = _key_widths(shapes)
    wrong = {name: width for name, width in widths.items() if width != text_width}
    if not wrong:
        return ""
    name, width = next(iter(wrong.items()))
    return (
        f"is an IP-Adapter for {base_title(width)}, the base model is {base_title(text_width)} "
        f"({len(wrong)} of {len(widths)} weights do not fit, such as {name})."
    )


def encoder_fault(shapes: Shapes, encoder: Path) -> str:
    """How the image encoder's width differs from the one that the weights were trained with."""
    form = form_of(shapes)
    assert form is not None
    config = read_json(encoder / "config.json")
    if config is None:
        return f"its image encoder {encoder} has no config.json."
    has = config.get("projection_dim" if form == "plain" else "hidden_size")
    wants = shapes[_PROJECTIONS[form]][1]
    if has == wants:
        return ""
    return f"its image encoder {encoder} gives {has} numbers, the IP-Adapter takes {wants}."


def _key_widths(shapes: Shapes) -> dict[str, int]:
    return {
        name: shape[1]
        for name, shape in shapes.items()
        if name.startswith("ip_adapter.") and name.endswith("to_k_ip.weight")
    }


def load_adapters(pipeline: Any, adapters: Sequence[IpAdapter]) -> None:
    """Put the adapters, and one image encoder for each, into a pipeline on the CPU.

    Raises `UserError` for weights of another size than the base's layers.
    """
    if not adapters:
        return
    from safetensors.torch import load_file

    wanted = _layer_shapes(pipeline.unet)
    weights = [load_file(adapter.file) for adapter in adapters]
    for adapter, tensors in zip(adapters, weights, strict=True):
        _check_layers(adapter.file, tensors, wanted)
    pipeline.register_modules(image_encoder=_image_encoder(adapters, pipeline.unet.dtype))
    _load_weights(pipeline, adapters, [_by_part(tensors) for tensors in weights])
    pipeline.set_ip_adapter_scale([adapter.scale for adapter in adapters])


def _load_weights(pipeline: Any, adapters: Sequence[IpAdapter], weights: list[dict[str, Any]]) -> None:
    names = [""] * len(adapters)
    try:
        with quiet_libraries():
            pipeline.load_ip_adapter(
                weights,
                subfolder=names,
                weight_name=names,
                image_encoder_folder=None,
                low_cpu_mem_usage=False,  # with it, a weight that is missing stays without a value
            )
    except (RuntimeError, KeyError, IndexError) as error:
        files, why = ", ".join(str(adapter.file) for adapter in adapters), " ".join(str(error).split())
        raise UserError(
            f"{files}: not the weights of an IP-Adapter ({why[:200]}).", "Get it again."
        ) from error


def _by_part(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    parts: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part in parts:
            parts[part][rest] = tensor
    return parts


def _layer_shapes(unet: Any) -> dict[str, tuple[int, ...]]:
    """The weights that an IP-Adapter for this U-Net has: a key and a value for each cross attention.

    They are numbered 1, 3, 5, … in the order of the U-Net's attention processors.
    """
    crossing = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    shapes = {}
    for place, name in enumerate(crossing):
        layer = unet.get_submodule(name.removesuffix(".processor"))
        for part in ("k", "v"):
            weight = getattr(layer, f"to_{part}").weight
            shapes[f"ip_adapter.{2 * place + 1}.to_{part}_ip.weight"] = tuple(weight.shape)
    return shapes


def _check_layers(file: Path, tensors: Mapping[str, Tensor], wanted: Shapes) -> None:
    wrong = [n for n, shape in wanted.items() if n not in tensors or tuple(tensors[n].shape) != shape]
    if wrong:
        raise UserError(
            f"{file}: lacks weights of the right size for {len(wrong)} of the base's {len(wanted)} layers, "
            f"such as {wrong[0]}.",
            "Give an IP-Adapter for this kind of base model.",
        )


def _image_encoder(adapters: Sequence[IpAdapter], dtype: torch.dtype) -> Any:
    from transformers import CLIPVisionModelWithProjection

    folders = {adapter.encoder.resolve() for adapter in adapters}
    if len(folders) > 1:
        raise UserError("Two IP-Adapters with two image encoders.", "Give adapters that share one encoder.")
    return load_part(CLIPVisionModelWithProjection, folders.pop(), dtype)


def embed_images(pipeline: Any, adapters: Sequence[IpAdapter]) -> list[Tensor]:
    """For each adapter [2, images, …]: what its images become, behind what no image becomes."""
    import torch

    if not adapters:
        return []
    pixels = [_pixel_values(adapter, pipeline.image_encoder) for adapter in adapters]
    with torch.no_grad():
        made = pipeline.prepare_ip_adapter_image_embeds(pixels, None, pipeline._execution_device, 1, True)
    return list(made)


def _pixel_values(adapter: IpAdapter, encoder: Any) -> Tensor:
    """float [images, 3, side, side], as CLIP wants them."""
    from transformers import CLIPImageProcessor

    from dataset_tools.pictures.images import read_rgb

    if (adapter.encoder / "preprocessor_config.json").is_file():
        processor = CLIPImageProcessor.from_pretrained(adapter.encoder, local_files_only=True)
    else:
        side = encoder.config.image_size
        processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size=side)
    images = [read_rgb(path) for path in adapter.images]
    return processor(images, return_tensors="pt").pixel_values
