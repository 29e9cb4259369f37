"""Tokenizers: a diffusers folder has its own, a single file needs CLIP's from somewhere on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError

TOKENIZER_DIR = "LORAWRAP_TOKENIZER_DIR"
CLIP_REPOSITORY = "openai/clip-vit-large-patch14"
_FILES = ("vocab.json", "tokenizer.json")
_DOWNLOADED = ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")


def folder_tokenizer(folder: Path) -> Any:
    """The tokenizer in a diffusers folder's ``tokenizer`` folder."""
    if not any((folder / name).is_file() for name in _FILES):
        raise UserError(f"{folder}: has no tokenizer (vocab.json and merges.txt).", "Get the model again.")
    return _load(folder)


def clip_tokenizers(count: int, vocabulary: int, folder: Path | None = None) -> list[Any]:
    """CLIP's tokenizer for a single file, ``count`` times; the second pads with ``!`` as SDXL's does.

    Looked for in ``folder``, in the folder that ``LORAWRAP_TOKENIZER_DIR`` names, and in the Hugging Face
    cache; a folder may hold the files themselves or sd-scripts' ``openai_clip-vit-large-patch14``.
    """
    found = _clip_folder(folder)
    tokenizers = [_load(found), *(_load(found, pad_token="!") for _ in range(count - 1))]
    if len(tokenizers[0]) != vocabulary:
        raise UserError(
            f"{found}: the tokenizer knows {len(tokenizers[0])} tokens, the base model {vocabulary}.",
            f"Name the folder of this model's tokenizer in {TOKENIZER_DIR}.",
        )
    return tokenizers


def _clip_folder(folder: Path | None) -> Path:
    named = folder or (Path(os.environ[TOKENIZER_DIR]) if os.environ.get(TOKENIZER_DIR) else None)
    if named is None:
        return _cached_folder()
    places = (named, named / CLIP_REPOSITORY.replace("/", "_"), named / "tokenizer")
    for place in places:
        if any((place / name).is_file() for name in _FILES):
            return place
    raise UserError(f"{named}: has no tokenizer (vocab.json and merges.txt) in it.", _hint())


def _cached_folder() -> Path:
    """The folder in the Hugging Face cache; what is not there is fetched, unless HF_HUB_OFFLINE is set."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(CLIP_REPOSITORY, allow_patterns=list(_DOWNLOADED)))
    except (OSError, HfHubHTTPError):
        raise UserError(
            "A base model in a single file needs CLIP's tokenizer, and none is on this machine.", _hint()
        ) from None


def _hint() -> str:
    return (
        f"Set {TOKENIZER_DIR} to a folder with vocab.json and merges.txt of {CLIP_REPOSITORY}, for instance "
        "the tokenizer folder of any Stable Diffusion 1.5 in diffusers form."
    )


def _load(folder: Path, **options: Any) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder, local_files_only=True, **options)
