"""A manifest row that is right, to be made wrong in one place."""

from __future__ import annotations

from typing import Any

from dataset_tools.manifests.schema import ManifestRow


def values(**changes: Any) -> dict[str, Any]:
    """The row's values as a manifest has them, with ``changes``; a change to None leaves the key out."""
    row = {
        "image": "photos/один.png",
        "subject": "anna",
        "consent": "C-17",
        "age": "26-30",
        "view": "front",
        "type": "bust",
        "ear_side": "both",
        **changes,
    }
    return {key: value for key, value in row.items() if value is not None}


def row(**changes: Any) -> ManifestRow:
    return ManifestRow.model_validate(values(**changes))


def minor(**changes: Any) -> dict[str, Any]:
    """A row of the one kind that is accepted under 18."""
    consent = {"id": "C-17", "by": "guardian"}
    return values(**{"age": "15-17", "type": "ear", "ear_side": "left", "consent": consent, **changes})
