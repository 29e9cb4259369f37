"""A second run measures what changed, a stopped one goes on, and the reports are those of a first run."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset_tools import known_contents
from dataset_tools.errors import UserError
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.pictures.images import save_png
from dataset_tools.quality import collecting, measuring
from dataset_tools.quality.duplicates.searched import ROW
from dataset_tools.quality.engines import measured_here
from dataset_tools.quality.measured_store import CACHE, MeasuredStore
from dataset_tools.quality.page.thumbnails import FOLDER
from dataset_tools.quality.qc import inspection, load_thresholds, pictures_in
from dataset_tools.quality.qc_record import QcRecord
from tests.dataset_tools.rows import values
from tests.dataset_tools.spoiled import astronaut
from wrapper.cli.main import run

PHOTO = load_thresholds()
MANY = 80
REPORTS = ("qc.jsonl", "qcreport.csv", "report.html")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six different photographs, a copy, and one cut short."""
    made = tmp_path / "фото 'x' 📷"
    for number in range(6):
        save_png(made / f"{number}.png", np.roll(astronaut(), 67 * number, (0, 1))[:256, : 256 + number])
    shutil.copy(made / "2.png", made / "copy.png")
    (made / "cut.png").write_bytes((made / "2.png").read_bytes()[:3000])
    return made


@pytest.fixture(autouse=True)
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files as they are decoded; files count as settled at once."""
    monkeypatch.setattr(known_contents, "SETTLED_NS", -60_000_000_000)
    seen: list[str] = []
    decode = measuring.decode_to_inspect
    monkeypatch.setattr(
        measuring, "decode_to_inspect", lambda path, data: (seen.append(path.name), decode(path, data))[1]
    )
    return seen


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files as they are read."""
    seen: list[str] = []
    read = measuring.read_picture
    monkeypatch.setattr(measuring, "read_picture", lambda path: (seen.append(path.name), read(path))[1])
    return seen


def inspected(folder: Path, out: Path, thresholds=PHOTO) -> tuple[list[QcRecord], int]:
    """The records, and how many pictures were taken over."""
    kept = {"cache": out / CACHE, "thumbnails": out / FOLDER}
    with inspection(pictures_in(folder), thresholds, measured_here, **kept) as found:
        return list(found), found.taken_over


def test_nothing_is_read_when_nothing_changed(folder, tmp_path, decoded, hashed):
    first, taken_over = inspected(folder, tmp_path / "out")
    assert (taken_over, {*decoded, "copy.png"}) == (0, {path.name for path in folder.iterdir()})
    decoded.clear()
    hashed.clear()
    assert inspected(folder, tmp_path / "out") == (first, 8)
    assert (decoded, hashed) == ([], [])


def test_a_changed_and_a_new_picture_are_measured_alone(folder, tmp_path, decoded):
    inspected(folder, tmp_path / "out")
    decoded.clear()
    save_png(folder / "1.png", astronaut()[:200, :300])
    save_png(folder / "new.png", astronaut()[200:400, :300])
    (folder / "5.png").unlink()
    again, taken_over = inspected(folder, tmp_path / "out")
    assert (sorted(decoded), taken_over) == (["1.png", "new.png"], 6)
    assert again == inspected(folder, tmp_path / "fresh")[0]


def test_a_touched_picture_is_read_but_not_decoded(folder, tmp_path, decoded, hashed):
    first, _ = inspected(folder, tmp_path / "out")
    decoded.clear()
    hashed.clear()
    os.utime(folder / "3.png", (1, 1))
    assert inspected(folder, tmp_path / "out") == (first, 8)
    assert (decoded, hashed) == ([], ["3.png"])


def test_of_pictures_that_are_all_of_one_size_each_is_looked_up_as_often_as_of_few(tmp_path, monkeypatch):
    asked: list[int] = []
    find = MeasuredStore.find
    monkeypatch.setattr(MeasuredStore, "find", lambda *what: asked.append(1) or find(*what))
    monkeypatch.setattr(collecting, "KEEP_EVERY_S", 0.0)
    spent = []
    for number in (40, 80):
        folder = tmp_path / str(number)
        folder.mkdir()
        for index in range(number):
            Image.new("RGB", (16, 16), (index, 0, 0)).save(folder / f"{index}.bmp")
        asked.clear()
        inspected(folder, tmp_path / f"out of {number}")
        spent.append(len(asked))
    assert spent[1] < 2.5 * spent[0]


def test_another_content_of_the_same_size_and_time_is_noticed(folder, tmp_path, decoded):
    inspected(folder, tmp_path / "out")
    decoded.clear()
    there = (folder / "4.png").stat()
    data = bytearray((folder / "4.png").read_bytes())
    data[-30] ^= 0xFF
    (folder / "4.png").write_bytes(data)
    os.utime(folder / "4.png", ns=(there.st_atime_ns, there.st_mtime_ns))
    again, _ = inspected(folder, tmp_path / "out")
    assert decoded == ["4.png"]
    assert again == inspected(folder, tmp_path / "fresh")[0]


def test_a_file_of_this_very_moment_is_read_again(folder, tmp_path, monkeypatch, hashed):
    monkeypatch.setattr(known_contents, "SETTLED_NS", 60_000_000_000)
    first, _ = inspected(folder, tmp_path / "out")
    hashed.clear()
    assert inspected(folder, tmp_path / "out") == (first, 8)
    assert len(hashed) == 8


def test_other_limits_judge_again_without_reading(folder, tmp_path, decoded, hashed):
    inspected(folder, tmp_path / "out")
    decoded.clear()
    hashed.clear()
    strict = load_thresholds("photo", {"short_side_px_reject": 2000, "short_side_px_warn": 3000})
    again, _ = inspected(folder, tmp_path / "out", strict)
    assert (decoded, hashed) == ([], [])
    assert again == inspected(folder, tmp_path / "fresh", strict)[0]
    assert {record.status for record in again} == {"REJECT"}


def test_a_lost_small_copy_is_made_again(folder, tmp_path, decoded):
    first, _ = inspected(folder, tmp_path / "out")
    decoded.clear()
    lost = next((tmp_path / "out" / FOLDER).iterdir())
    lost.unlink()
    assert inspected(folder, tmp_path / "out")[0] == first
    assert len(decoded) == 1
    assert lost.is_file()


def test_another_version_of_the_measures_measures_all(folder, tmp_path, decoded, monkeypatch):
    inspected(folder, tmp_path / "out")
    decoded.clear()
    monkeypatch.setattr("dataset_tools.quality.measured_store.measure_version", lambda: "another")
    assert inspected(folder, tmp_path / "out")[1] == 0
    assert {*decoded, "copy.png"} == {path.name for path in folder.iterdir()}


def test_the_search_for_copies_is_not_repeated_among_the_same_pictures(folder, tmp_path, monkeypatch):
    first, _ = inspected(folder, tmp_path / "out")
    monkeypatch.setattr("dataset_tools.quality.qc.alike_pairs", None)
    assert inspected(folder, tmp_path / "out")[0] == first


def test_one_new_picture_is_compared_and_the_others_are_not_again(folder, tmp_path, monkeypatch):
    save_png(folder / "small.png", np.ascontiguousarray(astronaut()[:256:2, :256:2]))
    inspected(folder, tmp_path / "out")
    digests = []
    monkeypatch.setattr(
        "dataset_tools.quality.duplicates.compared.agreement",
        lambda candidate, query, other: digests.append((query.tobytes(), other.tobytes())) or 1.0,
    )
    save_png(folder / "turned.png", np.ascontiguousarray(np.rot90(astronaut()[:256, :256])))
    again, _ = inspected(folder, tmp_path / "out")
    assert digests
    in_every_pair = set(digests[0]).intersection(*digests)
    assert in_every_pair
    assert {one.path: one.duplicate_of for one in again if one.duplicate_of}["small.png"] == "0.png"


def test_the_last_search_is_taken_over_though_the_comparison_was_cut_off(folder, tmp_path, monkeypatch):
    def cut_off(*_: object) -> float:
        raise KeyboardInterrupt

    save_png(folder / "small.png", np.ascontiguousarray(astronaut()[:256:2, :256:2]))
    agreement = "dataset_tools.quality.duplicates.compared.agreement"
    with monkeypatch.context() as patch:
        patch.setattr(agreement, cut_off)
        with pytest.raises(KeyboardInterrupt):
            inspected(folder, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr("dataset_tools.quality.duplicates.search.descriptors", None)
        again, _ = inspected(folder, tmp_path / "out")
    assert again == inspected(folder, tmp_path / "fresh")[0]


@pytest.mark.parametrize("spoiled", [b"short", b"\xff" * ROW.itemsize], ids=["cut short", "no numbers"])
def test_a_search_that_was_spoiled_on_the_disk_is_one_sentence(folder, tmp_path, spoiled):
    inspected(folder, tmp_path / "out")
    connection = sqlite3.connect(tmp_path / "out" / CACHE)
    connection.execute("UPDATE searched SET pictures = ?", [spoiled])
    connection.execute("DELETE FROM pairs")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="its search for copies is spoiled"):
        inspected(folder, tmp_path / "out")


def test_a_mask_that_changed_and_another_box_measure_again(folder, tmp_path, decoded):
    def looked_at(**more: object) -> tuple[list[QcRecord], list[str]]:
        path = folder / "manifest.json"
        path.write_text(json.dumps([values(image="1.png", **more), values(image="2.png")]), encoding="utf-8")
        decoded.clear()
        kept = {"cache": tmp_path / "out" / CACHE}
        with inspection(pictures_in(read_manifest(path)), PHOTO, measured_here, **kept) as found:
            return list(found), list(decoded)

    mask = np.zeros((256, 257), np.uint8)
    mask[50:120, 60:160] = 255
    save_png(folder / "masks/1.png", mask)
    first, _ = looked_at(mask="masks/1.png", type="ear")
    assert looked_at(mask="masks/1.png", type="ear") == (first, [])
    save_png(folder / "masks/1.png", np.roll(mask, 90, 1))
    second, measured = looked_at(mask="masks/1.png", type="ear")
    assert measured == ["1.png"]
    assert second != first
    assert looked_at(ear_box=[10, 10, 200, 200])[1] == ["1.png"]
    assert looked_at(ear_box=[10, 10, 200, 200])[1] == []


def test_without_a_cache_nothing_is_kept(folder, tmp_path, capsys):
    for _ in range(2):
        assert run(["qc", str(folder), "--out", str(tmp_path / "out"), "--no-cache"]) == 0
        assert "earlier run" not in capsys.readouterr().out
    assert not (tmp_path / "out" / CACHE).exists()


def test_the_command_says_what_it_took_over_and_what_it_would(folder, tmp_path, capsys):
    arguments = ["qc", str(folder), "--out", str(tmp_path / "out")]
    assert run([*arguments, "--dry-run"]) == 0
    assert "8 pictures; 8 would be measured on this machine" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert run(arguments) == 0
    assert run(arguments) == 0
    assert "8 of 8 were measured in an earlier run" in capsys.readouterr().out
    save_png(folder / "1.png", astronaut()[:200, :300])
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert run([*arguments, "--dry-run"]) == 0
    assert "8 pictures; 1 would be measured" in capsys.readouterr().out
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}


def test_a_cache_that_is_no_database_is_one_sentence(folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / CACHE).write_bytes(b"something else" * 100)
    assert run(["qc", str(folder), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert CACHE in said
    assert "Remove it" in said


# Stopped in between


def command(folder: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "wrapper", "qc", str(folder), "--out", str(out), "--workers", "1"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that take a few seconds in all; not to be changed."""
    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("many") / "in"
    for number in range(MANY):
        rgb = np.roll(astronaut(), rng.integers(0, 512, 2), (0, 1))[: 300 + number]
        save_png(folder / f"{number:03d}.png", np.ascontiguousarray(rgb))
    return folder


@pytest.fixture(scope="module")
def undisturbed(many: Path) -> dict[str, bytes]:
    """The reports of a run that nobody stopped; they name the pictures as seen from there."""
    out = many.with_name("undisturbed")
    subprocess.run(command(many, out), capture_output=True, check=True)
    return {name: (out / name).read_bytes() for name in REPORTS}


def kept_rows(out: Path) -> Iterator[int]:
    """Counts of what is kept, as it grows."""
    while True:
        if (out / CACHE).is_file():
            connection = sqlite3.connect(out / CACHE, timeout=60)
            try:
                yield connection.execute("SELECT count(*) FROM measured").fetchone()[0]
            except sqlite3.OperationalError:
                yield 0
            finally:
                connection.close()
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_stopped_run_goes_on_and_reports_the_same(many, undisturbed, kind):
    out = many.with_name(kind)
    process = subprocess.Popen(command(many, out), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    for count in kept_rows(out):
        if count >= 5:
            break
        assert process.poll() is None
    process.send_signal(getattr(signal, kind))
    process.communicate(timeout=60)
    assert process.returncode == (-9 if kind == "SIGKILL" else 130)
    kept = next(kept_rows(out))
    assert 5 <= kept < MANY
    assert not (out / "qc.jsonl").exists()
    said = subprocess.run(command(many, out), capture_output=True, text=True, check=True).stdout
    assert f"{kept} of {MANY} were measured in an earlier run" in said
    assert {name: (out / name).read_bytes() for name in REPORTS} == undisturbed


INSPECT = """
import sys
from pathlib import Path
from dataset_tools.quality.engines import measured_here
from dataset_tools.quality.qc import inspection, load_thresholds, pictures_in
folder, cache = map(Path, sys.argv[1:3])
with inspection(pictures_in(folder), load_thresholds(), measured_here, cache=cache) as found:
    assert len(list(found)) == int(sys.argv[3])
"""


def test_two_inspections_at_once_share_a_cache(many, tmp_path):
    cache = tmp_path / "out" / CACHE
    command = [sys.executable, "-c", INSPECT, str(many), str(cache), str(MANY)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert next(kept_rows(tmp_path / "out")) == MANY


def test_a_store_that_another_process_removed_is_one_sentence(tmp_path):
    class Broken(MeasuredStore):
        def commit(self) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    from dataset_tools.database import opened
    from dataset_tools.quality.measured_store import SCHEMA

    with pytest.raises(UserError, match="disk I/O error"), opened(tmp_path / "a.sqlite", SCHEMA) as one:
        Broken(one).commit()


def test_a_disk_that_fills_while_results_are_kept_is_told_as_that(folder, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dataset_tools.quality.collecting.save_thumbnail", full)
    with pytest.raises(OSError, match="No space left"):
        inspected(folder, tmp_path / "out")


def test_pictures_that_are_taken_away_meanwhile_are_not_rejected(folder, tmp_path, monkeypatch):
    read = measuring.read_picture

    def lost_after_two(path: Path) -> bytes:
        if path.name == "2.png":
            shutil.move(folder, tmp_path / "taken away")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "read_picture", lost_after_two)
        with pytest.raises(UserError, match=r"2\.png: was there when QC began, and is gone \(and 5 more\)"):
            inspected(folder, tmp_path / "out")
    shutil.move(tmp_path / "taken away", folder)
    records, taken_over = inspected(folder, tmp_path / "out")
    assert (len(records), taken_over) == (8, 2)
