"""A trainer's progress lines as events, written and read back."""

from __future__ import annotations

import json

import pytest

from wrapper.runs.events import Event, EventLog, parse, read_events, within_run

LINES = {
    "steps:   0%|          | 0/100 [00:00<?, ?it/s]": Event(0, 100, None, 0, None),
    "steps:  12%|█▏        | 12/100 [00:05<00:40,  2.20it/s, avr_loss=0.123]": Event(12, 100, 0.123, 5, 40),
    "steps: 100%|██████████| 1500/1500 [1:02:03<00:00,  2.5s/it, avr_loss=1e-5]": Event(
        1500, 1500, 1e-5, 3723, 0
    ),
    "steps:   1%|▏| 1/100 [00:01<01:39,  1.00s/it, Average key norm=0.1, avr_loss=0.2]": Event(
        1, 100, 0.2, 1, 99
    ),
    "steps:   1%|▏| 1/100 [00:01<01:39,  1.00s/it, avr_loss=nan]": Event(1, 100, None, 1, 99, True),
    "caching latents:  50%|█████     | 2/4 [00:01<00:01,  2.0it/s]": None,
    "validation steps:  50%|█████     | 2/4 [00:01<00:01,  2.0it/s, val_avg_loss=0.2]": None,
    "epoch validation steps:  50%|█████     | 2/4 [00:01<00:01,  2.0it/s, val_avg_loss=0.2]": None,
    "epoch 1/10": None,
}


@pytest.mark.parametrize(("line", "event"), LINES.items())
def test_a_progress_line_is_parsed(line, event):
    assert parse(line) == event


def test_events_are_json_lines_written_once(tmp_path):
    log = EventLog(tmp_path / "a run" / "events.jsonl")
    event = Event(1, 2, 0.5, 3)
    assert [log.add(event), log.add(event), log.add(Event(2, 2, None, 4))] == [True, False, True]
    log.close()
    again = EventLog(tmp_path / "a run" / "events.jsonl", append=True)
    again.close()
    lines = (tmp_path / "a run" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "steps": 2, "loss": 0.5, "elapsed_s": 3, "left_s": None},
        {"step": 2, "steps": 2, "loss": None, "elapsed_s": 4, "left_s": None},
    ]


def test_a_bar_that_counts_anew_is_told_within_the_run():
    event = parse("steps:  25%|██        | 2/8 [00:04<00:12,  2.0s/it, avr_loss=0.5]")
    assert within_run(event, done=4, planned=10) == Event(6, 10, 0.5, 4, 8)


def test_a_step_that_goes_back_takes_back_what_came_after(tmp_path):
    path = tmp_path / "events.jsonl"
    steps = [(1, 0.9), (2, 0.8), (2, 0.7), (3, 0.6), (2, 0.65), (3, 0.55)]
    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in steps]
    path.write_text("\n".join([*lines, '{"step": 4, "lo']))
    assert [(event["step"], event["loss"]) for event in read_events(path)] == [(1, 0.9), (2, 0.65), (3, 0.55)]
    assert read_events(tmp_path / "none") == []
