"""Which trial is the best, and how sure that is: sweeps whose effects are known."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest

from dataset_tools.errors import UserError
from dataset_tools.files import write_json
from tests.sweep.made_sweeps import Made, hold_out, make_sweep
from wrapper.runs.record import this_process
from wrapper.sweep.outcome.ranking import rank
from wrapper.sweep.outcome.words import ranking_words
from wrapper.sweep.trials import Sweep

RANK, RATE = "stage_b.kohya.network_dim", "stage_b.kohya.learning_rate"


def order(sweep: Sweep, **how) -> list[str]:
    return [row.id for row in rank(sweep, **how).rows if row.group == 0]


def told(sweep: Sweep, **how) -> str:
    return "\n".join(ranking_words(rank(sweep, **how)))


def test_the_right_trial_is_the_best_and_that_is_sure(tmp_path):
    effects = [Made({RANK: dim}, shift, noise=0.1) for dim, shift in ((4, 1), (8, 2), (16, 4), (32, 3))]
    sweep = make_sweep(tmp_path / "мой 'проект' 🙂", effects)
    found = rank(sweep)
    assert [row.id for row in found.rows] == ["003", "004", "002", "001"]
    assert [row.place for row in found.rows] == [1, 2, 3, 4]
    assert found.best.mean == pytest.approx(found.groups[0].base + 4, abs=0.2)
    assert found.best.best_chance > 0.99
    assert all(not row.behind.is_noise for row in found.rows[1:])
    assert found.rows[3].behind.mean == pytest.approx(3, abs=0.2)
    text = told(sweep)
    assert "Stage B: trial 003 (network_dim 16) is the best of 4: masked PSNR" in text
    assert "better than every other beyond noise" in text
    assert "All 4 trials are shown to be better than the untouched base" in text


def test_noise_is_called_noise_in_the_words_of_the_setting(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 16}, 3, noise=0.5), Made({RANK: 32}, 3.05, noise=0.5)])
    assert "cannot be told apart on 8 images" in told(sweep)
    assert any(f"network_dim {pair}" in told(sweep) for pair in ("16 and 32", "32 and 16"))


def test_many_that_are_alike_are_counted(tmp_path):
    made = [Made({RANK: dim, RATE: rate}, 3, noise=1) for dim in (8, 16, 32) for rate in (1e-5, 1e-4)]
    assert "It cannot be told from any of the 5 others on 8 images; over " in told(make_sweep(tmp_path, made))


def test_a_trial_is_not_preferred_for_being_the_earliest(tmp_path):
    """As a checkpoint is: among trials that would make no sense."""
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 3, noise=0.5), Made({RANK: 16}, 3.5, noise=0.5)])
    assert rank(sweep).best.id == "002"


def test_equal_trials_share_the_chance_and_the_earlier_stands_first(tmp_path):
    found = rank(make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 1), Made({RANK: 32}, 0.5)]))
    assert [row.id for row in found.rows] == ["001", "002", "003"]
    assert [row.best_chance for row in found.rows] == [0.5, 0.5, 0]
    assert found.rows[1].behind.is_noise


def test_no_trial_may_be_better_than_no_lora(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 0.02, noise=0.5), Made({RANK: 16}, -3)])
    text = told(sweep)
    assert "None of the 2 trials is shown to be better than the untouched base" in text
    assert "1 of the 2 trials is worse than it." in text


def test_less_is_better_where_the_measure_says_so(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 3)])
    found = rank(sweep, by="loss")
    assert (found.best.id, found.metric.name) == ("002", "loss")
    assert found.best.mean < found.rows[1].mean
    assert found.best.gain.mean > 0


def test_only_what_was_measured_alike_is_compared(tmp_path):
    made = [
        Made({RANK: 8}, 1),
        Made({RANK: 16}, 2),
        Made({RANK: 32}, 9, evaluated={"sampler": "DDIM", "cfg": 7.0}),
        Made({RANK: 64}, 8, evaluated={"seeds": [3]}),
        Made({RANK: 128}, 7, own={"base": {"inpaint_model": "other.safetensors"}}),
    ]
    found = rank(make_sweep(tmp_path, made))
    assert [row.id for row in found.groups[0].rows] == ["002", "001"]
    why = {row.id: row.why for row in found.rows}
    assert "It was measured with sampler DDIM and not Euler a, cfg 7 and not 1.5: " in why["003"]
    assert "other seeds" in why["004"]
    assert "other base" in why["005"]
    assert "3 trials measured otherwise are listed apart." in ranking_words(found)


@pytest.mark.parametrize(("size", "apart"), [(64, False), (96, True)], ids=["same pictures", "others"])
def test_datasets_are_alike_when_they_hold_out_the_same_pictures(tmp_path, size, apart):
    """A sweep of the balance has datasets of its own; what they hold out may be the same all the same."""
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 2), Made({"b": 2}, 3, lender="b")])
    hold_out(tmp_path / "b", 8, size)
    found = rank(sweep)
    assert len(found.groups) == (2 if apart else 1)
    if apart:
        assert "other held-out pictures" in found.rows[-1].why


def test_a_loss_that_is_computed_otherwise_is_another_figure(tmp_path):
    key = "stage_b.kohya.min_snr_gamma"
    sweep = make_sweep(tmp_path, [Made({key: 0.0}, 1), Made({key: 5.0}, 2), Made({RANK: 4}, 0)])
    train = sweep.trials[1].folder / "runs" / "stage_b-001" / "train.toml"
    train.write_text("[training]\nmin_snr_gamma = 5.0\n", encoding="utf-8")
    found = rank(sweep, by="loss")
    assert [row.id for row in found.groups[0].rows] == ["001", "003"]
    assert "min_snr_gamma 5 and not 0" in found.rows[-1].why
    assert len(rank(sweep).groups) == 1


def test_the_chosen_checkpoint_stands_for_a_trial(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1, checkpoints=[5, 2], chosen=0), Made({RANK: 16}, 3)])
    found = rank(sweep)
    assert found.best.id == "001"
    assert found.best.measured.checkpoint.title == "epoch 1"
    assert found.best.measured.lora.name == "c-000001.safetensors"


def test_a_choice_that_does_not_hold_any_more_is_not_followed(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1, checkpoints=[5, 2], chosen=0), Made({RANK: 16}, 3)])
    chosen = sweep.trials[0].folder / "runs" / "stage_b-001" / "output" / "c-000001.safetensors"
    rank(sweep)
    chosen.write_bytes(b"trained anew")
    assert order(sweep) == ["002", "001"]


def test_a_lora_that_changed_after_it_was_measured_has_no_place(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 3)])
    next(sweep.trials[1].folder.glob("loras/*")).write_bytes(b"trained anew")
    found = rank(sweep)
    assert (found.best.id, found.rows[1].place) == ("001", None)
    assert "was trained anew after it was measured" in found.rows[1].why


def test_several_stages_are_ranked_by_the_last(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 3)], stages=("stage_a", "stage_b"))
    found = rank(sweep)
    assert (found.stage, found.best.id) == ("stage_b", "002")
    assert (found.best.trained.steps, found.best.trained.minutes) == (120, 4.0)


def test_figures_that_are_no_numbers_have_no_place(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, float("nan")), Made({RANK: 4}, 0)])
    found = rank(sweep)
    assert [row.place for row in found.rows] == [1, 2, None]
    assert found.rows[2].why == "Its masked PSNR is no number on 8 of 8 images."


def test_trials_without_a_result_say_why(tmp_path):
    made = [
        Made({RANK: 8}, status="failed", why="CUDA ran out of memory."),
        Made({RANK: 16}, status="waiting"),
        Made({RANK: 32}, status="interrupted"),
    ]
    sweep = make_sweep(tmp_path, made)
    found = rank(sweep)
    assert (found.best, found.metric) == (None, None)
    assert {row.id: row.why for row in found.rows}["001"] == "CUDA ran out of memory."
    assert [row.status for row in found.rows] == ["interrupted", "failed", "waiting"]
    assert found.rows[1].log == "trials/001/log.txt"
    assert ranking_words(found)[0].startswith("No trial has been trained and measured yet")


def test_one_trial_is_the_best_of_nothing(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 2)])
    assert "is the only one to be ranked" in told(sweep)
    assert "It is shown to be better than the untouched base" in told(sweep)
    assert "cannot be told" not in told(sweep)


def test_one_image_is_too_few(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 2), Made({RANK: 16}, 5)], images=1)
    assert rank(sweep).best.id == "002"
    assert "One image is too few to tell trials apart." in told(sweep)


def test_few_images_are_not_resampled_in_words(tmp_path):
    made = [Made({RANK: 8}, 2, noise=0.5), Made({RANK: 16}, 2, noise=0.5), Made({RANK: 4}, 2, noise=0.5)]
    assert "cannot be told from both others" in told(make_sweep(tmp_path / "3", made, images=3))
    assert "resampled" not in told(make_sweep(tmp_path / "3", made, images=3))
    assert "resampled" in told(make_sweep(tmp_path / "8", made, images=8))


def test_what_another_training_seed_changes_is_told_where_seeds_were_swept(tmp_path):
    seed = "stage_b.kohya.seed"
    once = make_sweep(tmp_path / "once", [Made({RANK: 8}, 1), Made({RANK: 16}, 2)])
    assert "Every setting was trained once" in told(once)
    made = [Made({RANK: dim, seed: n}, dim / 8 + 0.1 * n) for dim in (8, 16) for n in (1, 2, 3)]
    assert (
        "Another training seed alone changes the mean by 0.10 dB (standard deviation, over 2 settings)"
        in (told(make_sweep(tmp_path / "seeds", made)))
    )


def test_the_best_setting_over_all_seeds_is_told_apart_from_the_best_trial(tmp_path):
    """The best trial owes its place to its seed: the other rank is better on the whole."""
    seed = "stage_b.kohya.seed"
    shifts = {8: (1.0, 1.1, 3.0), 16: (2.0, 2.1, 2.2)}
    made = [Made({RANK: dim, seed: n}, shift) for dim, some in shifts.items() for n, shift in enumerate(some)]
    words = told(make_sweep(tmp_path, made))
    assert "trial 003 (network_dim 8, seed 2) is the best of 6" in words
    assert re.search(
        r"Over all seeds network_dim 16 \([\d.]+ dB over 3 seeds\) is the best, before "
        r"network_dim 8 \([\d.]+ dB over 3 seeds\): 0\.40 dB apart, less than another seed alone changes\.",
        words,
    )


@pytest.mark.parametrize(
    ("doing", "events", "why"),
    [
        ("", "", "It runs."),
        ("stage_b", "", "It trains Stage B: no step yet."),
        ("stage_b", '{"step": 7, "steps": 60}\n{"step": 8, "st', "It trains Stage B: step 7 of 60."),
        ("evaluate", "", "It is being measured."),
    ],
    ids=["begun", "no step", "steps", "evaluate"],
)
def test_a_trial_that_runs_says_how_far_it_is(tmp_path, doing, events, why):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, status="running")])
    trial = sweep.trials[0]
    write_json(trial.record, {"status": "running", "doing": doing, "process": this_process()})
    (trial.folder / "runs" / "stage_b-001" / "events.jsonl").write_text(events, encoding="utf-8")
    assert rank(sweep).rows[0].why == why


def test_a_measure_is_taken_that_there_is(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1)])
    assert rank(sweep, by="ssim").metric.name == "ssim"
    with pytest.raises(UserError, match="'snr' is no measure"):
        rank(sweep, by="snr")
    with pytest.raises(UserError, match="identity was not measured") as error:
        rank(sweep, by="identity")
    assert error.value.hint == "Measured: psnr_db, ssim, loss."


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"settings": 1}', '{"settings": {}, "checkpoints": {"stage_b": [{}]}}', "[" * 5000],
    ids=["empty", "torn", "a list", "no settings", "empty checkpoint", "deep"],
)
def test_an_evaluation_that_is_broken_is_a_reason(tmp_path, text):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 3)])
    (sweep.trials[1].folder / "evaluation.json").write_text(text, encoding="utf-8")
    found = rank(sweep)
    assert (found.best.id, found.rows[1].place) == ("001", None)
    assert "evaluation.json" in found.rows[1].why


def test_an_evaluation_that_contradicts_itself_is_put_apart(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 3), Made({RANK: 4}, 0)])
    path = sweep.trials[1].folder / "evaluation.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for row in record["checkpoints"]["stage_b"][0]["per_image"]:
        row["image"] = f"another {row['image']}"
    path.write_text(json.dumps(record), encoding="utf-8")
    found = rank(sweep)
    assert [row.id for row in found.groups[0].rows] == ["001", "003"]
    assert "other images measured" in found.rows[-1].why


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_sweep_that_cannot_be_written_to_is_ranked(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1)])
    sweep.folder.chmod(0o555)
    try:
        assert order(sweep) == ["001"]
    finally:
        sweep.folder.chmod(0o755)


def test_a_dataset_that_is_gone_is_known_by_its_key(tmp_path):
    sweep = make_sweep(tmp_path, [Made({RANK: 8}, 1), Made({RANK: 16}, 3)])
    shutil.rmtree(tmp_path / "dataset")
    assert order(sweep) == ["002", "001"]


def test_pictures_of_prompts_are_compared_where_the_prompts_are_the_same(tmp_path):
    drawn = {"generate": {"prompts": ["photo of a woman"], "steps": 20}}
    other = {"generate": {"prompts": ["photo of a man"], "steps": 30}}
    sweep = make_sweep(tmp_path, [Made({RANK: n}, n, own=own) for n, own in enumerate((drawn, drawn, other))])
    for trial in sweep.trials:
        record = trial.folder / "evaluation.json"
        text = record.read_text(encoding="utf-8")
        record.write_text(text.replace('"psnr_db"', '"prompt"'), encoding="utf-8")
    found = rank(sweep, by="prompt")
    assert [row.id for row in found.groups[0].rows] == ["002", "001"]
    assert found.rows[-1].why.startswith("It was measured with other prompts, steps 30 and not 20")
    assert " on 8 pictures." in ranking_words(found)[0]
