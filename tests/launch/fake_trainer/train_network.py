"""Stands in for sd-scripts' train_network.py. ``FAKE_TRAINER`` says how it behaves."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import tomllib

sys.path.insert(0, str(Path(__file__).parent))
from lora_bytes import lora_bytes


def main(argv: list[str]) -> int:
    options = dict(zip(argv[::2], argv[1::2], strict=False))
    tables = tomllib.loads(Path(options["--config_file"]).read_text(encoding="utf-8"))
    values = {key: value for table in tables.values() for key, value in table.items()}
    tomllib.loads(Path(options["--dataset_config"]).read_text(encoding="utf-8"))
    behaviour = os.environ.get("FAKE_TRAINER", "good")
    print(f"fake trainer: {behaviour}, ухо 🙂", flush=True)
    return BEHAVIOURS[behaviour](values, options)


def good(values: dict, options: dict, value: float = 0.5, lost: int = 0) -> int:
    steps = values["max_train_steps"]
    start = done_before(options)
    for step in range(start, steps + 1):
        loss = f", avr_loss={1 / (step + 1):.3g}" if step else ""
        bar = f"steps: {100 * step // steps:3d}%|██  | {step}/{steps} [00:0{step}<00:01,  2.0it/s{loss}]"
        print(f"\r{bar}", end="", flush=True)
    print(flush=True)
    output = Path(values["output_dir"])
    output.mkdir(parents=True, exist_ok=True)
    save(output / f"{values['output_name']}.safetensors", lora_bytes(steps - lost, value))
    return 0


def done_before(options: dict) -> int:
    if "--resume" not in options:
        return 0
    return json.loads((Path(options["--resume"]) / "train_state.json").read_text())["current_step"]


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
    print("\rsteps:  50%|██  | 3/6 [00:03<00:03,  1.0it/s, avr_loss=nan]", flush=True)
    return good(values, options, value=float("nan"))


def hang(values: dict, options: dict) -> int:
    """A state is saved, a worker forked, and neither ends by itself."""
    state = Path(values["output_dir"]) / f"{values['output_name']}-000001-state"
    state.mkdir(parents=True)
    (state / "train_state.json").write_text(json.dumps({"current_epoch": 1, "current_step": 2}))
    worker = os.fork()
    if worker == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            time.sleep(1)
    print(f"worker {worker}", flush=True)
    while True:
        time.sleep(1)


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
    "short": lambda values, options: good(values, options, lost=1),
    "no data": says("No data found. Please verify arguments", 0),
    "out of memory": says("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", 1),
    "refuses": says("stage_a_train.toml: 'huber_c' is not honoured.", 2),
    "hang": hang,
    "leaves a worker": leave_a_worker,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
