"""Does a picture show what its prompt asks for? By the user's CLIP, a transformers folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.base_model.detect import read_json
from wrapper.quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""OpenAI's CLIP, where the folder has no preprocessor_config.json."""


@dataclass(frozen=True)
class Clip:
    model: Any
    tokenizer: Any
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def score(self, picture: np.ndarray, prompt: str) -> float:
        """100 · max(cos(image, text), 0) (Hessel et al. 2021, eq. 1, with w = 100). uint8 [H, W, 3]."""
        import torch

        with torch.no_grad():
            image = _embedding(self.model.get_image_features(pixel_values=self.pixels(picture)))
            text = _embedding(self.model.get_text_features(**self._tokens(prompt)))
        return 100 * max(0.0, float(torch.cosine_similarity(image, text)))

    def pixels(self, picture: np.ndarray) -> Tensor:
        """[1, 3, S, S]: shorter side to S (bicubic), the middle cut out, normalised (Radford et al. 2021)."""
        import torch
        from PIL import Image

        side, (height, width) = self.model.config.vision_config.image_size, picture.shape[:2]
        scale = side / min(height, width)
        size = (max(side, round(width * scale)), max(side, round(height * scale)))
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        cut = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
        cut = cut.crop((left, top, left + side, top + side))
        values = torch.frombuffer(bytearray(cut.tobytes()), dtype=torch.uint8).view(side, side, 3) / 255
        values = (values - torch.tensor(self.mean)) / torch.tensor(self.deviation)
        return values.permute(2, 0, 1)[None].to(self.model.dtype)

    def _tokens(self, prompt: str) -> dict[str, Tensor]:
        longest = self.model.config.text_config.max_position_embeddings
        told = self.tokenizer([prompt], truncation=True, max_length=longest, return_tensors="pt")
        return {"input_ids": told.input_ids, "attention_mask": told.attention_mask}


def _embedding(found: Any) -> Tensor:
    """transformers 5 wraps the embedding, 4 gives it bare."""
    return getattr(found, "pooler_output", found)


@quiet_libraries()
def load_clip(folder: Path) -> Clip:
    """Read a CLIPModel folder (safetensors). Raises `UserError` when it is none."""
    from transformers import CLIPModel, CLIPTokenizer

    config = folder / "config.json"
    if (read_json(config) or {}).get("model_type") != "clip":
        raise UserError(
            f"{folder}: is not a folder of a CLIP model.",
            "Give a folder with CLIP's config.json and weights.",
        )
    try:
        model = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: the CLIP model cannot be read ({str(error).splitlines()[0]}).") from error
    mean, deviation = _normalisation(folder / "preprocessor_config.json")
    return Clip(model, tokenizer, mean, deviation)


def _normalisation(path: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    told = read_json(path) or {}
    return tuple(told.get("image_mean", MEAN)), tuple(told.get("image_std", DEVIATION))
