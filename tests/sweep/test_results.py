"""What is written of a sweep beside its page, and the table for the terminal."""

from __future__ import annotations

import csv
import json

import pytest
from rich.cells import cell_len

from tests.sweep.made_sweeps import Made, make_sweep
from wrapper.sweep.outcome.page.page import page
from wrapper.sweep.outcome.page.pictures import Shelf
from wrapper.sweep.outcome.ranking import rank
from wrapper.sweep.outcome.results import write_results
from wrapper.sweep.outcome.shown import setting_words, settings_toml, short_keys, value_words
from wrapper.sweep.outcome.table import table_lines

DIM, RATE, OPTIMIZER = (f"stage_b.kohya.{key}" for key in ("network_dim", "learning_rate", "optimizer_type"))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    made = [
        Made({DIM: 16, RATE: 1e-4, OPTIMIZER: "=cmd|' /C calc'!A1"}, 3, noise=0.1),
        Made({DIM: 8, RATE: 1e-4, OPTIMIZER: "AdamW"}, 1, noise=0.1),
        Made({DIM: 4, RATE: 1e-5, OPTIMIZER: "AdamW"}, status="failed", why="Out of memory,\nsaid 'CUDA'."),
        Made({DIM: 2, RATE: 1e-5, OPTIMIZER: "AdamW"}, float("nan")),
    ]
    return make_sweep(tmp_path_factory.mktemp("s") / "мой 'проект' 🙂", made)


@pytest.fixture(scope="module")
def written(sweep):
    write_results(sweep, rank(sweep))
    return sweep.folder


def test_the_record_holds_all_and_no_number_is_none(written):
    record = json.loads((written / "results.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (record["best"], record["stage"], record["metric"]) == ("001", "stage_b", "psnr_db")
    assert [trial["id"] for trial in record["trials"]] == ["001", "002", "004", "003"]
    best, second, odd, failed = record["trials"]
    assert best["lora"] == "trials/001/loras/my face_stage_b.safetensors"
    assert (written / best["lora"]).is_file()
    assert best["gain"]["mean"] == pytest.approx(3, abs=0.2)
    assert second["behind"]["low"] > 0
    assert odd["measures"]["psnr_db"] is None
    assert (failed["status"], failed["place"]) == ("failed", None)
    assert str(written.parents[1]) not in json.dumps(record, ensure_ascii=False)


def test_the_table_has_a_line_a_trial_and_nothing_that_a_spreadsheet_would_run(written):
    with (written / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == ["001", "002", "004", "003"]
    assert (rows[0][DIM], rows[0][RATE], rows[0]["place"]) == ("16", "0.0001", "1")
    assert rows[0][OPTIMIZER] == "'=cmd|' /C calc'!A1"
    assert float(rows[0]["psnr_db"]) > float(rows[1]["psnr_db"])
    assert (rows[0]["steps"], rows[0]["minutes"], rows[0]["lora"][-12:]) == ("60", "1.5", ".safetensors")
    assert rows[3]["why"] == "Out of memory,\nsaid 'CUDA'."


def test_written_again_it_is_the_same(sweep, written):
    before = {path.name: path.read_bytes() for path in written.iterdir() if path.is_file()}
    write_results(sweep, rank(sweep))
    assert {path.name: path.read_bytes() for path in written.iterdir() if path.is_file()} == before


def test_the_best_is_marked_and_every_trial_is_told(sweep):
    lines = table_lines(rank(sweep), 160)
    assert lines[0].split()[0] == "trial"
    assert lines[1].split()[:2] == ["best", "001"]
    assert lines[2].split()[:2] == ["2", "002"]
    assert lines[3] == "004 not compared: Its masked PSNR is no number on 8 of 8 images."
    assert lines[4] == "003 failed: Out of memory, said 'CUDA'. (trials/003/log.txt)"


@pytest.mark.parametrize("width", [200, 100, 60, 30])
def test_no_line_is_wider_than_the_terminal(sweep, width):
    lines = table_lines(rank(sweep), width)
    assert max(map(cell_len, lines)) <= width
    assert lines[1].split()[:3] == ["best", "001", "18.79"]


def test_a_long_table_is_cut_and_says_so(sweep):
    assert table_lines(rank(sweep), most=1)[-1] == "and 3 more trials, in results.csv and on the page"


def test_a_sweep_without_a_result_has_files_all_the_same(tmp_path):
    sweep = make_sweep(
        tmp_path, [Made({DIM: 8}, status="failed", why="Out of memory."), Made({DIM: 4}, status="waiting")]
    )
    write_results(sweep, rank(sweep))
    assert json.loads((sweep.folder / "results.json").read_text(encoding="utf-8"))["best"] is None
    assert "Out of memory." in (sweep.folder / "sweep.html").read_text(encoding="utf-8")
    assert table_lines(rank(sweep)) == [
        "001 failed: Out of memory. (trials/001/log.txt)",
        "002 waiting: It has not been started.",
    ]


def test_keys_are_as_short_as_they_are_clear():
    keys = ["stage_a.kohya.network_dim", "stage_b.kohya.network_dim", "crop.size"]
    assert list(short_keys(keys).values()) == [*keys[:2], "size"]
    assert short_keys(["a.size", "b.size"]) == {"a.size": "a.size", "b.size": "b.size"}


def test_values_are_shown_on_one_line():
    values = [True, 5e-05, 16, "a\nb\x1b[2J", ["view", "age"], "", None]
    assert [value_words(value) for value in values] == [
        "true", "5e-05", "16", "a b\\x1b[2J", '["view", "age"]', '""', "not set",
    ]  # fmt: skip
    assert setting_words({"a.x": 1, "b": 2.0}, {"a.x": "x", "b": "b"}) == "x 1, b 2"


def test_settings_are_lines_for_the_project_file():
    text = settings_toml({DIM: 16, "crop.size": 64, OPTIMIZER: 'a "b"'})
    assert text.splitlines() == [
        "[stage_b.kohya]",
        "network_dim = 16",
        'optimizer_type = "a \\"b\\""',
        "",
        "[crop]",
        "size = 64",
    ]


@pytest.mark.parametrize(
    ("shift", "noise", "tone", "label"),
    [
        (3, 0.1, "good", "better than the untouched base, corrected"),
        (-3, 0.1, "open", "worse than the untouched base, corrected"),
        (0, 2.0, "open", "over the untouched base, which is noise, corrected"),
    ],
    ids=["better", "worse", "noise"],
)
def test_the_page_calls_nothing_good_that_is_no_better_than_the_base(tmp_path, shift, noise, tone, label):
    ranking = rank(make_sweep(tmp_path, [Made({DIM: 8}, shift, noise=noise)]))
    shown = page(ranking, Shelf(ranking.sweep.folder))
    assert shown["tone"] == tone
    assert [tile.label[: len(label)] for tile in shown["tiles"]][-1] == label
