"""Stands in for sd-scripts' train_network.py. ``FAKE_TRAINER`` says how it behaves."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

from tqdm import tqdm

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

sys.path.insert(0, str(Path(__file__).parent))
from lora_bytes import lora_bytes


def main(argv: list[str]) -> int:
    options = {argv[i]: argv[i + 1] for i in range(len(argv) - 1) if argv[i].startswith("--")}
    options |= {"skip": "--skip_until_initial_step" in argv}
    tables = tomllib.loads(Path(options["--config_file"]).read_text(encoding="utf-8"))
    values = {key: value for table in tables.values() for key, value in table.items()}
    tomllib.loads(Path(options["--dataset_config"]).read_text(encoding="utf-8"))
    behaviour = os.environ.get("FAKE_TRAINER", "good")
    print(f"fake trainer: {behaviour}, ухо 🙂", flush=True)
    return BEHAVIOURS[behaviour](values, options)


def good(values: dict, options: dict, value: float = 0.5, lost: int = 0, told: bool = True) -> int:
    """The bar, and the steps in the file, are counted as sd-scripts v0.10.1 does when it is resumed."""
    counted, most = resumed(values, options)
    total = values["max_train_steps"]
    args = argparse.ArgumentParser().parse_args([], argparse.Namespace(max_train_steps=total))
    counter = tqdm(total=total, desc="steps", disable=True)
    bars = 0
    draw(0, total - counted)
    while bars < most and counted + bars < args.max_train_steps:
        counter.update(1)
        bars += 1
        draw(bars, total - counted)
    print(flush=True)
    output = Path(options.get("--output_dir", values["output_dir"]))
    output.mkdir(parents=True, exist_ok=True)
    if "--resume" in options:
        save(output / f"{values['output_name']}-step{counted + 2:08d}.safetensors", lora_bytes(counted + 2))
    steps = counted + bars - lost if told else None
    save(output / f"{values['output_name']}.safetensors", lora_bytes(steps, value))
    return 0


def draw(step: int, total: int) -> None:
    loss = f", avr_loss={1 / (step + 1):.3g}" if step else ""
    bar = f"steps: {100 * step // total:3d}%|██  | {step}/{total} [00:0{step}<00:01,  2.0it/s{loss}]"
    print(f"\r{bar}", end="", flush=True)
    time.sleep(float(os.environ.get("FAKE_PAUSE_S", "0")))


def resumed(values: dict, options: dict) -> tuple[int, int]:
    """What the count begins with, and the most steps that are left; batches an epoch are told by the test."""
    total, batches = values["max_train_steps"], int(os.environ.get("FAKE_BATCHES", "8"))
    epochs = math.ceil(total / batches)
    if "--resume" not in options:
        return 0, total
    place = int(options["--initial_step"])
    epoch, rest = divmod(place, batches)
    rest = rest if options["skip"] else 0
    return rest, min(epochs * batches - epoch * batches - rest, total - rest)


def save(path: Path, data: bytes) -> None:
    beside = path.with_suffix(".part")
    beside.write_bytes(data)
    beside.replace(path)


def says(text: str, code: int):
    def behave(values: dict, options: dict) -> int:
        print(text, file=sys.stderr, flush=True)
        return code

    return behave


def nan(values: dict, options: dict) -> int:
    for step in range(1, 7):
        print(f"\rsteps:  50%|██  | {step}/6 [00:03<00:03,  1.0it/s, avr_loss=nan]", flush=True)
        time.sleep(float(os.environ.get("FAKE_PAUSE_S", "0")))
    return good(values, options, value=float("nan"))


def hang(values: dict, options: dict) -> int:
    """A state is saved, a worker forked, and neither ends by itself."""
    done = int(os.environ.get("FAKE_STATE", "2"))
    state = Path(options.get("--output_dir", values["output_dir"])) / f"{values['output_name']}-000001-state"
    state.mkdir(parents=True)
    (state / "train_state.json").write_text(json.dumps({"current_epoch": 1, "current_step": done}))
    (state / "random_states_0.pkl").write_bytes(b"the last file of a whole state")
    worker = os.fork()
    if worker == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            time.sleep(1)
    print("\rsteps:  50%|██  | 3/6 [00:03<00:03,  1.0it/s, avr_loss=0.25]", flush=True)
    print(f"worker {worker}", flush=True)
    while True:
        time.sleep(1)


def stuck(values: dict, options: dict) -> int:
    """After a while without a word it goes on, if it is told to."""
    draw(3, 6)
    print(flush=True)
    end = time.monotonic() + float(os.environ.get("FAKE_SILENT_S", "600"))
    while time.monotonic() < end:
        if not os.environ.get("FAKE_BUSY"):
            time.sleep(0.02)
    return good(values, options)


def silent_and_short(values: dict, options: dict) -> int:
    """The file says nothing of its steps, and the bar stops early."""
    print("\rsteps:  50%|██  | 3/6 [00:03<00:03,  1.0it/s, avr_loss=0.2]", flush=True)
    save(Path(values["output_dir"]) / f"{values['output_name']}.safetensors", lora_bytes(None))
    return 0


def leave_a_worker(values: dict, options: dict) -> int:
    """Ends well, but a worker that ignores everything stays and holds the pipe."""
    if os.fork() == 0:
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, signal.SIG_IGN)
        while True:
            time.sleep(1)
    return good(values, options)


BEHAVIOURS = {
    "good": good,
    "zero": lambda values, options: good(values, options, value=0.0),
    "nan": nan,
    "silent": lambda values, options: good(values, options, told=False),
    "silent and short": lambda values, options: silent_and_short(values, options),
    "short": lambda values, options: good(values, options, lost=1),
    "no data": says("No data found. Please verify arguments", 0),
    "out of memory": says("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", 1),
    "refuses": says("stage_a_train.toml: 'huber_c' is not honoured.", 2),
    "hang": hang,
    "stuck": stuck,
    "leaves a worker": leave_a_worker,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
