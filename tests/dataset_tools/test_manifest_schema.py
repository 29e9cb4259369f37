"""The published JSON Schema says what the reader does."""

from __future__ import annotations

import json
from pathlib import Path

from dataset_tools.manifests.json_schema import manifest_schema
from dataset_tools.manifests.safety import UNDER_18
from dataset_tools.manifests.schema import ManifestRow, choices

PUBLISHED = Path(__file__).parents[2] / "docs" / "manifest.schema.json"
ROW = manifest_schema()["$defs"]["ManifestRow"]


def test_the_published_schema_is_the_current_one():
    """Else: python -m dataset_tools.manifests.json_schema docs/manifest.schema.json"""
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == manifest_schema()


def test_every_field_is_there_with_a_description_and_nothing_else_is_allowed():
    assert list(ROW["properties"]) == list(ManifestRow.model_fields)
    assert [name for name, field in ROW["properties"].items() if not field.get("description")] == []
    assert ROW["additionalProperties"] is False


def test_what_a_row_must_have_and_may_say():
    assert ROW["required"] == ["image", "subject", "consent", "age", "view", "type", "ear_side"]
    said = {name: tuple(ROW["properties"][name]["enum"]) for name in ("age", "pose", "view", "type")}
    assert said == {name: choices(name) for name in said}


def test_a_consent_may_be_a_plain_id():
    kinds = ROW["properties"]["consent"]["anyOf"]
    assert [kind.get("type", kind.get("$ref")) for kind in kinds] == ["string", "#/$defs/Consent"]


def test_under_18_is_a_rule_of_the_schema_too():
    (rule,) = [one for one in ROW["allOf"] if one["if"]["properties"].get("age") == {"const": UNDER_18}]
    assert rule["then"]["properties"]["type"] == {"enum": ["ear", "bust"]}
    assert rule["then"]["properties"]["consent"]["properties"] == {"by": {"const": "guardian"}}
