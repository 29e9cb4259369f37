"""All files or none, whatever happens: what lay there before comes back."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run
from wrapper.export.places import placing
from wrapper.export.places.placing import JOURNAL, Move, clear_leftovers, place, staging


def contents(root: Path) -> dict[str, str]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(files)}


def staged(folder: Path, root: Path, names: list[str]) -> list[Move]:
    moves = []
    for number, name in enumerate(names):
        path = folder / str(number)
        path.write_text(f"new {name}", encoding="utf-8")
        moves.append(Move(path, root / name))
    return moves


def fail_at(monkeypatch: pytest.MonkeyPatch, count: int, error: BaseException) -> None:
    """Let the ``count``-th move fail."""
    move, done = placing._move, []

    def failing(source: Path, target: Path) -> None:
        done.append(target)
        if len(done) == count:
            raise error
        move(source, target)

    monkeypatch.setattr(placing, "_move", failing)


def deliver(root: Path, names: list[str]) -> None:
    with staging(root) as folder:
        place(folder, staged(folder, root, names))


def test_files_come_into_place_and_nothing_else_stays(tmp_path: Path):
    root = tmp_path / "UI «ухо»"
    (root / "models").mkdir(parents=True)
    (root / "models" / "b").write_text("old")
    deliver(root, ["models/a", "models/b", "deep/er/c"])
    assert contents(root) == {
        "deep/er/c": "new deep/er/c",
        "models/a": "new models/a",
        "models/b": "new models/b",
    }


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()], ids=["disk", "ctrl-c"]
)
def test_when_a_move_fails_everything_is_as_it_was(
    error: BaseException, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "there").write_text("old")
    fail_at(monkeypatch, count, error)
    with pytest.raises((UserError, KeyboardInterrupt)):
        deliver(tmp_path, ["new", "there", "deep/er/c"])
    assert contents(tmp_path) == {"there": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_folder_made_for_an_export_that_failed_goes_again(tmp_path: Path):
    def failing() -> None:
        with staging(tmp_path / "a" / "b") as folder:
            (folder / "half").write_text("half")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        failing()
    assert list(tmp_path.iterdir()) == []


def killed(root: Path, names: list[str], count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export whose process ended at its ``count``-th move: nobody took anything back."""
    with monkeypatch.context() as patched:
        patched.setattr(placing, "take_back", lambda folder: [])
        fail_at(patched, count, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            deliver(root, names)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_next_export_takes_back_what_a_killed_one_had_placed(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "there").write_text("old")
    killed(tmp_path, ["new", "there", "deep/er/c"], count, monkeypatch)
    assert contents(tmp_path) != {"there": "old"}
    clear_leftovers(tmp_path)
    assert contents(tmp_path) == {"there": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_file_that_was_changed_since_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    killed(tmp_path, ["a", "b"], 2, monkeypatch)
    (tmp_path / "a").write_text("edited since")
    clear_leftovers(tmp_path)
    assert contents(tmp_path) == {"a": "edited since"}


def test_the_next_export_says_what_it_took_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    lora = save(tmp_path / "x.safetensors", tensors(dict(list(plain_layers("sd15").items())[:2])))
    (tmp_path / "out").mkdir()
    killed(tmp_path / "out", ["a", "b", "c"], 3, monkeypatch)
    assert run(["export", str(lora), "--to", "folder", "--dest", str(tmp_path / "out")]) == 0
    assert "An export that was killed had left 2 files" in capsys.readouterr().out
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json", ".png", ".safetensors"]


def test_an_export_that_still_runs_is_left_alone(tmp_path: Path):
    with staging(tmp_path) as folder:
        (folder / "half").write_text("half")
        clear_leftovers(tmp_path)
        assert (folder / "half").is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_second_export_into_the_same_folder_is_told_of_the_first(tmp_path: Path):
    said = rf"another export is at work here \(process {os.getpid()}\)"
    with staging(tmp_path) as folder:
        with pytest.raises(UserError, match=said), staging(tmp_path):
            pytest.fail("the work must not begin")
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_without_locks_it_is_the_process_that_tells_a_leftover(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(placing, "is_in_use", lambda _: True)
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE)
    left = tmp_path / ".part-export-x"
    left.mkdir()
    (left / "by.json").write_text(json.dumps({"host": socket.gethostname(), "pid": int(ended.stdout)}))
    deliver(tmp_path, ["a"])
    assert left.is_dir()
    clear_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_was_put_there_meanwhile_stays(tmp_path: Path):
    def beside_another() -> None:
        with staging(tmp_path) as folder:
            moves = staged(folder, tmp_path, ["a", "b"])
            (tmp_path / "b").write_text("theirs")
            place(folder, moves, replace=False)

    with pytest.raises(UserError, match="was put there meanwhile"):
        beside_another()
    assert contents(tmp_path) == {"b": "theirs"}


def test_a_leftover_without_a_journal_is_only_removed(tmp_path: Path):
    (tmp_path / ".part-export-x" / "0").mkdir(parents=True)
    assert clear_leftovers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_another_disk_is_copied_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    replace, refused = Path.replace, []

    def on_another_disk(self: Path, target: Path) -> Path:
        if self.parent != Path(target).parent:
            refused.append(self)
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", on_another_disk)
    (tmp_path / "there").write_text("old")
    deliver(tmp_path, ["new", "there"])
    assert contents(tmp_path) == {"new": "new new", "there": "new there"}
    assert len(refused) == 3


def test_the_journal_is_written_before_the_first_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    killed(tmp_path, ["a", "b"], 1, monkeypatch)
    (journal,) = tmp_path.glob(f".part-export-*/{JOURNAL}")
    finals = [entry["final"] for entry in json.loads(journal.read_text(encoding="utf-8"))["moves"]]
    assert finals == [str(tmp_path / "a"), str(tmp_path / "b")]
