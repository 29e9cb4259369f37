"""The JSON Schema of a manifest, as docs/manifest.schema.json publishes it.

``python -m dataset_tools.manifests.json_schema docs/manifest.schema.json`` writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dataset_tools.files import write_json
from dataset_tools.manifests.manifest_json import TOP_KEY
from dataset_tools.manifests.safety import MINOR_POSES, MINOR_TYPES, UNDER_18
from dataset_tools.manifests.schema import ManifestRow, choices

_ROW: dict[str, Any] = {"$ref": "#/$defs/ManifestRow"}
_SOME_EAR = {"ear_side": {"enum": [side for side in choices("ear_side") if side != "none"]}}


def manifest_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a whole file, and of one line of JSON lines."""
    row = ManifestRow.model_json_schema()
    definitions = row.pop("$defs")
    rows = {"type": "array", "items": _ROW, "minItems": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Manifest",
        "description": (
            f"A .json manifest is a list of rows, or an object whose '{TOP_KEY}' is one; each line of a "
            ".jsonl manifest is a row; the header of a .csv manifest names the fields of a row. What the "
            "defaults of a project say may be left out of every row."
        ),
        "anyOf": [
            rows,
            {
                "type": "object",
                "properties": {TOP_KEY: rows},
                "required": [TOP_KEY],
                "additionalProperties": False,
            },
            _ROW,
        ],
        "$defs": {**definitions, "ManifestRow": {**row, "allOf": [_an_ear_has_a_side(), _under_18()]}},
    }


def _an_ear_has_a_side() -> dict[str, Any]:
    return _rule({"type": {"const": "ear"}}, _SOME_EAR)


def _under_18() -> dict[str, Any]:
    """The part of `safety.refusal` that a schema can say."""
    guardian = {"type": "object", "properties": {"by": {"const": "guardian"}}, "required": ["by"]}
    only = {
        "type": {"enum": list(MINOR_TYPES)},
        "pose": {"enum": list(MINOR_POSES)},
        **_SOME_EAR,
        "consent": guardian,
    }
    return _rule({"age": {"const": UNDER_18}}, only)


def _rule(when: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": when, "required": list(when)}, "then": {"properties": then}}


if __name__ == "__main__":
    write_json(Path(sys.argv[1]), manifest_schema())
