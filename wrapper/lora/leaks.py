"""What a LoRA file tells about its maker: captions, folders, notes, pictures; found, and taken out.

Known keys are those of sd-scripts v0.10.1 (``train_network.py``), OneTrainer (``ot_config``), ai-toolkit,
ComfyUI (``prompt``, ``workflow``) and ModelSpec; others are judged by what their names and values look like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from dataset_tools.data_text import from_json
from wrapper.lora.private_paths import is_path, without_paths

Topic = Literal["captions", "paths", "notes", "pictures", "all"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
LOADERS_READ = frozenset(
    [
        "format",
        "lora_adapter_metadata",
        "ss_base_model_version",
        "ss_v2",
        "ss_output_name",
        "ss_clip_skip",
        "ss_network_module",
        "ss_network_dim",
        "ss_network_alpha",
        "ss_network_args",
        "ss_resolution",
    ]
)
"""What ``all`` leaves, beside ``modelspec.*`` (written to be read by others) and the hashes ``sshs_*``."""
_CONFIGS = "lora_adapter_metadata"
_SPEC = ("modelspec.", "sshs_")
_CAPTIONS = re.compile(r"caption|prompt|tag_frequency|class_tokens|(?:^|_)workflow$|(?:^|_)captions?$", re.I)
_NOTES = re.compile(r"(?:^|_)(?:training_)?(?:comments?|notes?)$", re.I)
_PLACES = re.compile(r"(?:^|_)(?:path|paths|dir|dirs|directory|folder|file|filename|file_name)$", re.I)
_FOLDERS = frozenset(("image_dir", "conditioning_data_dir", "metadata_file"))
_FOLDER_TABLES = frozenset(("ss_dataset_dirs", "ss_reg_dataset_dirs", "ss_tag_frequency", "tag_frequency"))
_NUMBERED = re.compile(r"folder \d+")
_NO_WORDS = re.compile(r"\s*(?:none|null|true|false|nan|[-+.\d]+(?:e[-+]?\d+)?|\{\}|\[\]|)\s*", re.I)


@dataclass(frozen=True)
class Leak:
    """One entry that tells something: ``after`` is what is left without it, None when it goes."""

    key: str
    topic: Topic
    before: str
    after: str | None


@dataclass
class _Stripper:
    """Takes ``topics`` out; one dataset folder has the same number in every entry."""

    topics: frozenset[str]
    folders: dict[str, str] = field(default_factory=dict)

    def entry(self, key: str, value: str) -> str | None:
        """A metadata value without what is to go, None for an entry that goes as a whole."""
        if self._goes(key, value):
            return None
        if value.startswith("data:"):
            return value
        data = _parsed(value)
        if data is None:
            return self._text(key, value)
        kept = self._walked(key, data)
        return value if kept == data else json.dumps(kept)

    def _goes(self, key: str, value: str) -> bool:
        if "all" in self.topics and key not in LOADERS_READ and not key.startswith(_SPEC):
            return True
        if "pictures" in self.topics and (key == "modelspec.thumbnail" or value.startswith("data:image")):
            return True
        if key.startswith(_SPEC) or key == _CONFIGS:
            return False
        if "notes" in self.topics and _NOTES.search(key):
            return not _NO_WORDS.fullmatch(value)
        return "captions" in self.topics and bool(_CAPTIONS.search(key)) and not _NO_WORDS.fullmatch(value)

    def _text(self, key: str, text: str) -> str:
        if "paths" not in self.topics:
            return text
        return without_paths(text, keep_last=key.endswith(("model_name", "vae_name")))

    def _walked(self, name: str, data: Any) -> Any:
        """``data`` of a member called ``name``, cleaned at every depth."""
        if isinstance(data, str):
            return self._string(name, data)
        if isinstance(data, list):
            return [self._walked(name, item) for item in data]
        if not isinstance(data, dict):
            return data
        members = {
            key: self._walked(key, value) for key, value in data.items() if not self._is_told(key, value)
        }
        if "paths" not in self.topics:
            return members
        if name in _FOLDER_TABLES:
            return {self._folder(key): value for key, value in members.items()}
        return {without_paths(key): value for key, value in members.items()}

    def _is_told(self, key: str, value: Any) -> bool:
        if "captions" not in self.topics or not _CAPTIONS.search(key):
            return False
        return bool(value) and not isinstance(value, bool | int | float) and not _is_no_words(value)

    def _string(self, name: str, text: str) -> str:
        if "paths" not in self.topics or not text:
            return text
        if name in _FOLDERS:
            return self._folder(text)
        hidden = without_paths(text)
        return (
            without_paths(text, whole=True)
            if hidden == text and _PLACES.search(name) and is_path(text)
            else hidden
        )

    def _folder(self, name: str) -> str:
        if _NUMBERED.fullmatch(name):
            return name
        return self.folders.setdefault(name, f"folder {len(self.folders) + 1}")


def without(metadata: Mapping[str, str], topics: Iterable[Topic]) -> dict[str, str]:
    """``metadata`` without what belongs to ``topics``; what programs read as JSON stays JSON.

    >>> without({"ss_tag_frequency": '{"10_anna": {"a red hat": 1}}', "ss_v2": "False"}, ["captions"])
    {'ss_v2': 'False'}
    """
    wanted = frozenset(topics)
    stripper = _Stripper(frozenset(TOPICS) if "all" in wanted else wanted)
    kept = {key: stripper.entry(key, value) for key, value in metadata.items()}
    return {
        without_paths(key) if stripper.topics & {"paths"} else key: v
        for key, v in kept.items()
        if v is not None
    }


def leaks(metadata: Mapping[str, str]) -> list[Leak]:
    """Everything in ``metadata`` that belongs to a topic (``all`` left out), by topic and key."""
    found = []
    for topic in TOPICS[:-1]:
        kept = without(metadata, [topic])
        found += [
            Leak(key, topic, value, kept.get(key))
            for key, value in sorted(metadata.items())
            if kept.get(key) != value
        ]
    return found


def gone(before: str, after: str) -> list[str]:
    """The texts that a JSON value had and has no longer; [] for values that are no JSON.

    >>> gone('{"10_anna": {"n": 7}}', '{"folder 1": {"n": 7}}')
    ['10_anna']
    """
    left = set(_texts(_parsed(after)))
    return [text for text in dict.fromkeys(_texts(_parsed(before))) if text not in left]


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _texts(value)
    elif isinstance(data, list):
        for item in data:
            yield from _texts(item)


def _parsed(value: str) -> Any:
    if not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return from_json(value)
    except ValueError:
        return None


def _is_no_words(value: Any) -> bool:
    return isinstance(value, str) and bool(_NO_WORDS.fullmatch(value))
