"""Hashes of models: A1111's, remembered by path, size and time of change, and found again by the hash."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest

from tests.diffusion.small_lora import write_small_lora
from wrapper.diffusion.pictures import model_hash
from wrapper.diffusion.pictures.model_hash import base_hash, lora_hash, start_hashing, used_before
from wrapper.lora.hashes import autov3


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LORAWRAP_CACHE_DIR", str(tmp_path / "cache"))
    model_hash._begun.cache_clear()
    return tmp_path / "cache" / "model-hashes.json"


@pytest.fixture
def single(tmp_path):
    path = tmp_path / "модель 'a'.safetensors"
    path.write_bytes(b"weights")
    return path


def test_a_single_files_hash_is_a1111s(single):
    start_hashing(single)
    assert base_hash(single) == hashlib.sha256(b"weights").hexdigest()[:10]


def test_a_loras_hash_is_a1111s(tmp_path):
    lora = write_small_lora(tmp_path / "l.safetensors")
    assert lora_hash(lora) == autov3(lora)


def test_a_folders_hash_is_that_of_what_is_loaded(tiny_base, tmp_path):
    folder = shutil.copytree(tiny_base("sd15"), tmp_path / "copy")
    before = base_hash(folder)
    assert before == base_hash(tiny_base("sd15"))
    (folder / "readme.md").write_text("x", encoding="utf-8")
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"another precision")
    assert base_hash(folder) == before
    (folder / "scheduler" / "scheduler_config.json").write_text("{}", encoding="utf-8")
    assert base_hash(folder) != before


def test_a_file_is_read_once_until_it_changes(single, monkeypatch):
    first = base_hash(single)
    model_hash._begun.cache_clear()
    monkeypatch.setattr(model_hash, "content_hash", lambda path: pytest.fail(f"read {path} again"))
    assert base_hash(single) == first
    monkeypatch.setattr(model_hash, "content_hash", lambda _: "another" * 5)
    single.write_bytes(b"changed")
    assert base_hash(single) == "anotherano"


def test_a_model_is_found_by_its_hash_while_it_is_what_it_was(single):
    digest = base_hash(single)
    assert list(used_before(digest)) == [single.absolute()]
    os.utime(single, ns=(1, 1))
    assert list(used_before(digest)) == []


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a": 1}'])
def test_a_spoiled_memory_is_begun_anew(single, cache, content):
    cache.parent.mkdir()
    cache.write_text(content, encoding="utf-8")
    assert base_hash(single) == hashlib.sha256(b"weights").hexdigest()[:10]
    assert list(used_before("no such")) == []


def test_what_is_gone_is_forgotten(single, cache, tmp_path):
    base_hash(single)
    single.unlink()
    (tmp_path / "other.safetensors").write_bytes(b"o")
    base_hash(tmp_path / "other.safetensors")
    assert list(json.loads(cache.read_text(encoding="utf-8"))) == [str(tmp_path / "other.safetensors")]


def test_a_cache_that_cannot_be_written_stops_nothing(single, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LORAWRAP_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert len(base_hash(single)) == 10
