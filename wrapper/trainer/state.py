"""A state folder: all that an interrupted run needs to end as if it had not been interrupted.

Data order and noise come from the seed and the step, so the weights, the optimizer, the schedule and the step
are enough.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.files import whole_folder, write_json
from wrapper.safetensors_header import read_header
from wrapper.trainer.network import Network, load_weights

FORMAT = 1
NETWORK, OPTIMIZER, PROGRESS = "network.safetensors", "optimizer.pt", "train_state.json"


@dataclass(frozen=True)
class Progress:
    """``step`` optimizer steps are done; ``losses`` of the last epoch by batch; ``plan`` as it was then."""

    step: int
    seed: int
    losses: list[float]
    plan: dict[str, Any]


@dataclass(frozen=True)
class Learner:
    """What changes while training. ``scaler`` is fp16's, or None."""

    network: Network
    optimizer: Any
    schedule: Any
    scaler: Any = None


def save_state(folder: Path, learner: Learner, progress: Progress) -> None:
    """Write the state, whole or not at all."""
    import torch
    from safetensors.torch import save_file

    with whole_folder(folder) as temporary:
        save_file(learner.network.tensors(), temporary / NETWORK)
        torch.save(_moving_parts(learner), temporary / OPTIMIZER)
        write_json(temporary / PROGRESS, {"format": FORMAT, **asdict(progress)})


def _moving_parts(learner: Learner) -> dict[str, Any]:
    scaler = learner.scaler.state_dict() if learner.scaler is not None else {}
    return {
        "optimizer": learner.optimizer.state_dict(),
        "schedule": learner.schedule.state_dict(),
        "scaler": scaler,
    }


def read_progress(folder: Path) -> Progress:
    """How far the state is. Raises `UserError` when ``folder`` holds no state of this trainer."""
    path = folder / PROGRESS
    try:
        data = from_json(bounded_text(path))
        if data.pop("format") != FORMAT:
            raise UserError(f"{folder}: this state is of another version.", "Train from the start.")
        return Progress(**data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UserError(
            f"{folder}: is no state folder of this trainer.", "Give a folder '…-state'."
        ) from None


def load_state(folder: Path, learner: Learner) -> None:
    """Set the learner to the state's. Raises `UserError` when the network is another one."""
    from safetensors.torch import load_file

    for name in (NETWORK, OPTIMIZER):
        if not (folder / name).is_file():
            raise UserError(f"{folder}: this state is not whole, it has no {name}.")
    read_header(folder / NETWORK)
    tensors = load_file(folder / NETWORK)
    if set(tensors) != set(learner.network.tensors()):
        raise UserError(f"{folder}: this state is of another network.", "Keep the network's options.")
    load_weights(learner.network, tensors, folder)
    parts = _plain_values(folder / OPTIMIZER)
    try:
        learner.optimizer.load_state_dict(parts["optimizer"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{folder}: this state is of another optimizer.", "Keep its options.") from None
    learner.schedule.load_state_dict(parts["schedule"])
    if learner.scaler is not None and parts["scaler"]:
        learner.scaler.load_state_dict(parts["scaler"])


def _plain_values(path: Path) -> dict[str, Any]:
    """Tensors and plain values; a file with anything else in it, which could be code, is refused."""
    import pickle

    import torch

    try:
        found: dict[str, Any] = torch.load(path, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: is no saved state of this trainer ({why}).", "Train from the start."
        ) from None
    return found
