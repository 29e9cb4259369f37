"""The files of a version: from every kind of source, and proved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.sd_scripts_install.fakes import FILES, TAG, commit, make_repository, run_git
from wrapper.sd_scripts import checkout as module
from wrapper.sd_scripts import git as git_module
from wrapper.sd_scripts import source as source_module
from wrapper.sd_scripts.blobs import blob_id, compare
from wrapper.sd_scripts.checkout import LEFT_OUT, get_checkout
from wrapper.sd_scripts.lock import Lock
from wrapper.sd_scripts.source import read_source

WANTED = {name: text for name, text in FILES.items() if not name.startswith(LEFT_OUT)}


def pin(monkeypatch, commit: str, files: dict[str, str] | None = None) -> None:
    """Let the small repository's tag be the pinned one."""
    blobs = {name: blob_id(text.encode()) for name, text in (files or WANTED).items()}
    for place in (module, source_module):
        monkeypatch.setattr(place, "lock", lambda: Lock("https://example.org/x", TAG, commit))
    monkeypatch.setattr(module, "locked_files", lambda: blobs)


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in WANTED if (folder / name).is_file()}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "моё 'хранилище'"
    make_repository(folder)
    return folder


def head(repository: Path) -> str:
    return run_git("rev-parse", "HEAD", cwd=repository).strip()


@pytest.mark.parametrize("kind", ["clone", "bare", "file URL"])
def test_every_kind_of_repository_gives_the_same_files(repository, tmp_path, monkeypatch, kind):
    pin(monkeypatch, head(repository))
    named = {"clone": str(repository), "bare": str(tmp_path / "bare.git"), "file URL": repository.as_uri()}
    if kind == "bare":
        run_git("clone", "--quiet", "--bare", str(repository), named["bare"])
    got = get_checkout(read_source(named[kind]), TAG, tmp_path / "out")
    assert (got.tag, got.commit, got.pinned, set(got.files)) == (TAG, head(repository), True, set(WANTED))
    assert texts(tmp_path / "out") == WANTED
    assert not [name for name in LEFT_OUT if (tmp_path / "out" / name).exists()]


def test_a_mirror_that_lacks_only_what_is_left_out_serves(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    for name in ("bitsandbytes_windows/huge.dll", "configs/qwen3_06b/vocab.json"):
        lose_object(repository, name)
    assert get_checkout(read_source(str(repository)), TAG, tmp_path / "out").pinned


def test_a_mirror_that_lacks_a_needed_file_is_refused(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    lose_object(repository, "train_network.py")
    with pytest.raises(UserError, match="does not have all of this version"):
        get_checkout(read_source(str(repository)), TAG, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def lose_object(repository: Path, name: str) -> None:
    blob = run_git("rev-parse", f"HEAD:{name}", cwd=repository).strip()
    lost = repository / ".git" / "objects" / blob[:2] / blob[2:]
    lost.chmod(0o600)
    lost.unlink()


def test_local_edits_of_a_clone_are_not_taken(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    (repository / "train_network.py").write_text("print('edited')\n", encoding="utf-8")
    get_checkout(read_source(str(repository)), TAG, tmp_path / "out")
    assert texts(tmp_path / "out") == WANTED


def test_git_can_tell_the_commit_of_a_checkout(repository, tmp_path):
    get_checkout(read_source(str(repository)), TAG, tmp_path / "out")
    assert head(tmp_path / "out") == head(repository)


def test_another_tag_is_taken_unpinned_and_an_annotated_one_is_its_commit(repository, tmp_path):
    run_git("tag", "-a", "-m", "two", "v0.0.2", cwd=repository)
    got = get_checkout(read_source(str(repository)), "v0.0.2", tmp_path / "out")
    assert (got.tag, got.commit, got.pinned) == ("v0.0.2", head(repository), False)


def test_a_moved_tag_is_refused(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    new = commit(repository, {"train_network.py": "print('other')\n"})
    run_git("tag", "-f", TAG, cwd=repository)
    with pytest.raises(UserError, match=f"tag {TAG} was moved: it is at {new[:10]}"):
        get_checkout(read_source(str(repository)), TAG, tmp_path / "out")


def test_the_pinned_commit_is_found_without_its_tag(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    run_git("tag", "-d", TAG, cwd=repository)
    commit(repository, {"train_network.py": "print('newer')\n"})
    assert get_checkout(read_source(str(repository)), TAG, tmp_path / "out").pinned
    assert texts(tmp_path / "out") == WANTED


def test_a_repository_without_the_pinned_commit_is_refused(repository, tmp_path, monkeypatch):
    pin(monkeypatch, "a" * 40)
    run_git("tag", "-d", TAG, cwd=repository)
    with pytest.raises(UserError, match="does not have all of this version"):
        get_checkout(read_source(str(repository)), TAG, tmp_path / "out")


def test_an_unknown_tag_gets_the_nearest(repository, tmp_path):
    with pytest.raises(UserError, match=r"no tag or branch v0\.0\.9") as told:
        get_checkout(read_source(str(repository)), "v0.0.9", tmp_path / "out")
    assert told.value.hint == f"Did you mean '{TAG}'?"


def test_an_unpacked_archive_proves_to_be_the_pinned_version(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    shutil.rmtree(repository / ".git")
    shutil.rmtree(repository / "bitsandbytes_windows")
    got = get_checkout(read_source(str(repository)), TAG, tmp_path / "out")
    assert (got.commit, got.pinned) == (module.lock().commit, True)
    assert texts(tmp_path / "out") == WANTED


def test_an_unpacked_archive_that_differs_is_taken_only_under_another_name(repository, tmp_path, monkeypatch):
    pin(monkeypatch, head(repository))
    shutil.rmtree(repository / ".git")
    (repository / "train_network.py").write_text("print('edited')\n", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"is not sd-scripts v0\.0\.1 as it was published \(changed: train_net"
    ):
        get_checkout(read_source(str(repository)), TAG, tmp_path / "out")
    got = get_checkout(read_source(str(repository)), "mine", tmp_path / "out")
    assert (got.commit, got.pinned) == ("", False)
    assert compare(tmp_path / "out", got.files) == compare(tmp_path / "out", {})


def test_line_ends_of_windows_are_no_difference(tmp_path):
    (tmp_path / "a.py").write_bytes(b"x\r\ny\r\n")
    assert not compare(tmp_path, {"a.py": blob_id(b"x\ny\n")})
    assert compare(tmp_path, {"a.py": blob_id(b"x\nz\n"), "b.py": ""}) == compare(
        tmp_path, {"b.py": "", "a.py": "other"}
    )


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda place: None, "there is no such folder"),
        (lambda place: place.touch(), "is a file"),
        (lambda place: place.mkdir(), r"there is no train_network\.py in it, and it is no git repository"),
    ],
    ids=["missing", "file", "empty folder"],
)
def test_a_wrong_source_is_one_sentence(tmp_path, made, sentence):
    made(tmp_path / "что это")
    with pytest.raises(UserError, match=sentence):
        read_source(str(tmp_path / "что это"))


def test_a_folder_inside_of_a_repository_is_no_repository(repository):
    with pytest.raises(UserError, match="it is no git repository"):
        read_source(str(repository / "library"))


def test_without_network_the_cause_is_told():
    source = read_source("https://no-such-host.invalid/x.git")
    with pytest.raises(UserError, match="there is no network, or no such host"):
        source_module.find_commit(source, "v1")


def test_without_git_it_is_said_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(git_module.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="no git on this machine") as told:
        get_checkout(read_source("https://example.org/x.git"), "v1", tmp_path / "out")
    assert "--source" in told.value.hint


def test_a_password_in_a_url_is_not_shown():
    assert str(read_source("https://me:secret@example.org/x.git")) == "https://example.org/x.git"
