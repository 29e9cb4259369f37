"""The hashes that stand in a LoRA file's own metadata, of a file that is written one tensor at a time.

What `wrapper.lora.hashes.container_hashes` gives: ``sshs_model_hash`` is of the tensors; ``sshs_legacy_hash``
of 64 KiB of the file as it would be with its ``ss_*`` metadata alone (sd-scripts v0.10.1
``precalculate_safetensors_hashes``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from wrapper.lora.hashes import LEGACY_LENGTH, LEGACY_START, model_hash
from wrapper.safetensors_header import read_header
from wrapper.safetensors_stream import Form, header_bytes

MODEL, LEGACY = "sshs_model_hash", "sshs_legacy_hash"
SEALS = {MODEL: "0" * 64, LEGACY: "0" * 8}
"""What stands in their places until the data are written."""


def sealed(path: Path, forms: Mapping[str, Form], metadata: Mapping[str, str]) -> dict[str, str]:
    """Both hashes of a file whose data are written."""
    return {MODEL: model_hash(path), LEGACY: legacy_of(path, read_header(path).data_start, forms, metadata)}


def legacy_of(path: Path, data_start: int, forms: Mapping[str, Form], metadata: Mapping[str, str]) -> str:
    """``sshs_legacy_hash`` of the tensors in ``path`` with other ``metadata``."""
    head = header_bytes(forms, {key: value for key, value in metadata.items() if key.startswith("ss_")})
    hashed = head[LEGACY_START : LEGACY_START + LEGACY_LENGTH]
    with path.open("rb") as stream:
        stream.seek(data_start + max(0, LEGACY_START - len(head)))
        hashed += stream.read(LEGACY_LENGTH - len(hashed))
    return hashlib.sha256(hashed).hexdigest()[:8]
