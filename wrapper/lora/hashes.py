"""The hashes by which other programs know a LoRA file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dataset_tools.files import CHUNK_BYTES, content_hash

LEGACY_START, LEGACY_LENGTH = 0x100000, 0x10000


def model_hash(path: Path) -> str:
    """``sshs_model_hash``: SHA-256 of everything after the header (64 hex digits)."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        stream.seek(8 + int.from_bytes(stream.read(8), "little"))
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def autov3(path: Path) -> str:
    """The first 12 digits of `model_hash`: A1111's short hash of a LoRA, Civitai's AutoV3."""
    return model_hash(path)[:12]


def autov2(path: Path) -> str:
    """The first 10 digits of the whole file's SHA-256: Civitai's AutoV2."""
    return content_hash(path)[:10]


def legacy_hash(path: Path) -> str:
    """The first 8 digits of the SHA-256 of 64 KiB that begin at the first MiB: A1111's old model hash."""
    with path.open("rb") as stream:
        stream.seek(LEGACY_START)
        return hashlib.sha256(stream.read(LEGACY_LENGTH)).hexdigest()[:8]


def container_hashes(container: bytes) -> tuple[str, str]:
    """``sshs_model_hash`` and ``sshs_legacy_hash`` of a container whose only metadata are ``ss_*``.

    The second is `legacy_hash` of these bytes (sd-scripts v0.10.1 ``library/train_util.py``,
    ``precalculate_safetensors_hashes``).
    """
    data_start = 8 + int.from_bytes(container[:8], "little")
    legacy = container[LEGACY_START : LEGACY_START + LEGACY_LENGTH]
    return hashlib.sha256(container[data_start:]).hexdigest(), hashlib.sha256(legacy).hexdigest()[:8]
