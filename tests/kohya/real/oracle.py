"""What sd-scripts itself makes of files: its own parser, sanitizer, datasets and trainer, in one process.

Runs in sd-scripts' environment, shrunk by ``tests/sd_scripts/shrink``::

    python oracle.py CHECKOUT CASES.json OUT.jsonl

A case is ``{"id", "folder", "argv", "script", "base", "tokenizers"}``; its answer is one line of JSON. It is
trained to its end, or for `STEPS` steps. What a machine without a GPU lacks is put in its place: half
precision is computed as float32, 8-bit optimizers are their 32-bit namesakes, loader processes are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import importlib
import io
import json
import logging
import os
import sys
import traceback
import types
from pathlib import Path
from typing import Any

STEPS = 3
NOT_READ_BY_NAME = ("config_file", "output_config")


class Trained(Exception):  # noqa: N818  it is no error
    """Enough steps were taken."""


class Log(logging.Handler):
    """Keeps what sd-scripts warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().split(" / ")[0])


def main(checkout: str, cases: str, out: str) -> None:
    os.environ["TQDM_DISABLE"] = "1"
    sys.path.insert(0, checkout)
    install_stand_ins()
    modules = {name: importlib.import_module(name) for name in ("train_network", "sdxl_train_network")}
    smooth(modules["train_network"])
    gc.freeze()  # the trainer collects garbage five times a case, through all that was imported
    with Path(out).open("a", encoding="utf-8") as file:
        for case in json.loads(Path(cases).read_text(encoding="utf-8")):
            answer = {"id": case["id"], **ask(modules[case["script"]], case)}
            file.write(json.dumps(answer, ensure_ascii=False, default=str) + "\n")
            file.flush()


def install_stand_ins() -> None:
    """Modules that need a GPU, as far as the trainer touches them."""
    import torch

    optim = types.ModuleType("bitsandbytes.optim")
    for name in ("AdamW8bit", "PagedAdamW8bit", "PagedAdamW", "PagedAdamW32bit", "AdamW"):
        setattr(optim, name, type(name, (torch.optim.AdamW,), {}))
    optim.SGD8bit = type("SGD8bit", (torch.optim.SGD,), {})  # type: ignore[attr-defined]
    for name in ("Lion8bit", "PagedLion8bit"):
        setattr(optim, name, type(name, (torch.optim.AdamW,), {}))
    bitsandbytes = types.ModuleType("bitsandbytes")
    bitsandbytes.optim = optim  # type: ignore[attr-defined]
    bitsandbytes.__spec__ = importlib.machinery.ModuleSpec("bitsandbytes", None)
    sys.modules |= {"bitsandbytes": bitsandbytes, "bitsandbytes.optim": optim}


def smooth(train_network: Any) -> None:
    """Replace what a CPU cannot do, and stop after `STEPS` steps."""
    import torch

    util = train_network.train_util
    train_network.setup_logging = lambda *args, **values: None
    torch.float8_e4m3fn = torch.float32
    accelerator, loader, add = util.Accelerator, torch.utils.data.DataLoader, util.LossRecorder.add
    precise = util.prepare_dtype

    def on_cpu(*args: Any, mixed_precision: Any = None, **values: Any) -> Any:
        plain = "no" if mixed_precision in ("fp16", "bf16") else mixed_precision
        return accelerator(*args, mixed_precision=plain, **values)

    class InThisProcess(loader):  # type: ignore[misc,valid-type]
        def __init__(self, dataset: Any, **values: Any) -> None:
            loader(dataset, **values)  # what it refuses is refused
            if isinstance(values.get("collate_fn"), util.collator_class):
                values["collate_fn"] = copy.copy(values["collate_fn"])
                values["collate_fn"].dataset = dataset
            super().__init__(dataset, **{**values, "num_workers": 0, "persistent_workers": False})

    def few(self: Any, **values: Any) -> None:
        add(self, **values)
        self.taken = getattr(self, "taken", 0) + 1
        if self.taken >= STEPS:
            raise Trained

    util.Accelerator = on_cpu
    torch.utils.data.DataLoader = InThisProcess
    util.LossRecorder.add = few
    util.patch_accelerator_for_fp16_training = lambda accelerator: None
    util.prepare_dtype = lambda args: (torch.float32, precise(args)[1])
    util.replace_unet_modules = lambda *args, **values: None


def ask(module: Any, case: dict[str, Any]) -> dict[str, Any]:
    """Train as the script's last lines do; what happened, and what was read of the file."""
    log, said = Log(), io.StringIO()
    answer: dict[str, Any] = {}
    reset(module)
    logging.root.handlers[:] = [log]
    os.chdir(case["folder"])
    sys.argv = [f"{case['script']}.py", *case["argv"]]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            run(module, case, answer)
        answer["end"] = "trained" if answer.get("begun") else "nothing"
    except Trained:
        answer["end"] = "trained"
    except SystemExit as stop:
        answer["end"] = f"exit {stop.code}: {said.getvalue()[-200:]}"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        answer["end"] = f"{type(error).__name__}: {str(error)[:300]}"
        answer["at"] = f"{Path(place.filename).name}:{place.lineno} {place.name}"
    return {**answer, "warnings": log.lines}


def run(module: Any, case: dict[str, Any], answer: dict[str, Any]) -> None:
    util = module.train_util
    parser = module.setup_parser()
    args = parser.parse_args()
    util.verify_command_line_training_args(args)
    args = util.read_config_from_file(args, parser)
    known = {action.dest: action.default for action in parser._actions}
    answer["unknown"] = sorted(set(vars(args)) - set(known))
    written = {key for key in vars(args) if key in known and getattr(args, key) != known[key]}
    read: set[str] = set()
    args = tracked(args, read)
    for key in ("base", "tokenizers"):
        if case.get(key):
            setattr(
                args, {"base": "pretrained_model_name_or_path"}.get(key, "tokenizer_cache_dir"), case[key]
            )
    trainer = getattr(module, "SdxlNetworkTrainer", None) or module.NetworkTrainer
    trainer = trainer()
    watch(module, trainer, answer)
    try:
        trainer.train(args)
    finally:
        answer["unread"] = sorted(written - read - set(NOT_READ_BY_NAME))


def tracked(args: argparse.Namespace, read: set[str]) -> argparse.Namespace:
    """The same namespace, noting the name of every attribute that somebody asks for."""

    class Tracked(argparse.Namespace):
        def __getattribute__(self, name: str) -> Any:
            read.add(name)
            return object.__getattribute__(self, name)

    return Tracked(**vars(args))


def watch(module: Any, trainer: Any, answer: dict[str, Any]) -> None:
    """Note what the datasets hold, and the number of steps."""
    make = module.train_util.DatasetGroup.set_max_train_steps
    config_util = importlib.import_module("library.config_util")
    generate = getattr(config_util, "_lorawrap_generate", config_util.generate_dataset_group_by_blueprint)
    config_util._lorawrap_generate = generate

    def described(blueprint: Any) -> Any:
        found = generate(blueprint)
        group = found[0] if isinstance(found, tuple) else found
        answer["datasets"] = [describe(dataset) for dataset in group.datasets]
        answer["batches"] = len(group)
        return found

    def planned(self: Any, steps: Any) -> None:
        answer["steps"], answer["begun"] = steps, True
        module.train_util.DatasetGroup._lorawrap_steps(self, steps)

    config_util.generate_dataset_group_by_blueprint = described
    if not hasattr(module.train_util.DatasetGroup, "_lorawrap_steps"):
        module.train_util.DatasetGroup._lorawrap_steps = make
    module.train_util.DatasetGroup.set_max_train_steps = planned


def describe(dataset: Any) -> dict[str, Any]:
    infos = dataset.image_data.values()
    return {
        "images": len(infos),
        "uses": sum(info.num_repeats for info in infos if not info.is_reg),
        "reg_uses": sum(info.num_repeats for info in infos if info.is_reg),
        "captions": {Path(info.absolute_path).name: info.caption for info in infos},
        "buckets": sorted({f"{info.bucket_reso[0]}x{info.bucket_reso[1]}" for info in infos}),
    }


def reset(module: Any) -> None:
    """Forget the case before."""
    from accelerate.state import AcceleratorState, GradientState, PartialState

    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    PartialState._reset_state()
    base = importlib.import_module("library.strategy_base")
    for name in vars(base):
        if name.endswith("Strategy") and hasattr(getattr(base, name), "_strategy"):
            getattr(base, name)._strategy = None
    module.train_util.HIGH_VRAM = False


if __name__ == "__main__":
    main(*sys.argv[1:])
