"""Everything a run writes while and after it learns: checkpoints, states, sample images, logs."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wrapper.trainer.checkpoint import save_checkpoint
from wrapper.trainer.config import Settings
from wrapper.trainer.loop import LossAverage, Moment, Plan, log_values
from wrapper.trainer.names import OutputNames
from wrapper.trainer.network import Network
from wrapper.trainer.samples import Sampler
from wrapper.trainer.state import Learner, Progress, save_state


@dataclass(frozen=True)
class Outputs:
    """`on_step` and `on_epoch` are called by the loop, `finish` after it."""

    settings: Settings
    plan: Plan
    learner: Learner
    names: OutputNames
    metadata: Mapping[str, str]
    sampler: Sampler
    accelerator: Any
    groups: Sequence[str]
    average: LossAverage

    def on_step(self, moment: Moment) -> None:
        """Log, draw, and save when ``save_every_n_steps`` says so."""
        if self.settings.logging_dir:
            self.accelerator.log(log_values(moment, self.learner.schedule, self.groups), step=moment.step)
        self.sampler.at_step(moment.step)
        every = self.settings.save_every_n_steps
        if every and moment.step % every == 0 and moment.step < self.plan.steps:
            self._save(self.names.step(moment.step), moment)
            if self.settings.save_state:
                self._save_state(self.names.step_state(moment.step), moment.step)

    def on_epoch(self, moment: Moment) -> None:
        """Draw, and save but for the last epoch, whose files `finish` writes."""
        if self.settings.logging_dir:
            self.accelerator.log({"loss/epoch_average": moment.average}, step=moment.epoch)
        self.sampler.at_epoch(moment.epoch, moment.step)
        every = self.settings.save_every_n_epochs
        if not every or moment.epoch % every or moment.epoch >= self.plan.epochs:
            return
        self._save(self.names.epoch(moment.epoch), moment)
        self._forget_epoch(moment.epoch, every)
        if self.settings.save_state:
            self._save_state(self.names.epoch_state(moment.epoch), moment.step)

    def catch_up(self, step: int) -> None:
        """Write what a run that was cut off after the state of ``step`` lacks of the epoch that ends there.

        `on_step` saves before `on_epoch`: the last step may have a state where the checkpoint is missing.
        """
        epoch, rest = divmod(step, self.plan.steps_per_epoch)
        every = self.settings.save_every_n_epochs
        own = Path(self.settings.resume).absolute().parent == Path(self.settings.output_dir).absolute()
        if not own or rest or not every or epoch % every or self.names.epoch(epoch).exists():
            return
        self.on_epoch(Moment(step, epoch, 0.0, self.average.mean))

    def finish(self) -> None:
        """Write the last state and, last of all, the LoRA."""
        if self.settings.save_state or self.settings.save_state_on_train_end:
            self._save_state(self.names.last_state, self.plan.steps)
        last = Moment(self.plan.steps, self.plan.epochs, 0.0, self.average.mean)
        self._save(self.names.last, last)

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """TensorBoard's files in ``logging_dir``, closed at the end."""
        if self.settings.logging_dir:
            name = f"{self.settings.log_prefix or ''}{time.strftime('%Y%m%d%H%M%S')}"
            tracker = self.settings.log_tracker_name or "network_train"
            self.accelerator.init_trackers(f"{name}/{tracker}")
        yield
        self.accelerator.end_training()

    def _save(self, path: Path, moment: Moment) -> None:
        precision = self.settings.save_precision
        save_checkpoint(path, self.learner.network, self.metadata, precision, moment.step, moment.epoch)

    def _save_state(self, folder: Path, step: int) -> None:
        progress = Progress(step, self.settings.seed, self.average.losses, fingerprint(self.settings))
        save_state(folder, self.learner, progress)

    def _forget_epoch(self, epoch: int, every: int) -> None:
        """Remove the checkpoint, and the state, that ``save_last_n_epochs`` no longer keeps."""
        kept = self.settings.save_last_n_epochs
        if kept:
            self.names.epoch(epoch - every * kept).unlink(missing_ok=True)
        kept_states = self.settings.save_last_n_epochs_state or kept
        if kept_states:
            shutil.rmtree(self.names.epoch_state(epoch - every * kept_states), ignore_errors=True)


def fingerprint(settings: Settings) -> dict[str, Any]:
    """The settings that a resumed run must share to end exactly like an uninterrupted one."""
    free = ("output_", "save_", "log", "sample_", "metadata_", "resume", "training_comment", "dataset_config")
    return {name: value for name, value in settings.values.items() if not name.startswith(free)}


def run_facts(settings: Settings, plan: Plan, network: Network) -> dict[str, Any]:
    """Numbers of the run for the metadata; rank and alpha are those of most modules."""
    rank, _ = Counter(layer.rank for layer in network.layers).most_common(1)[0]
    return {
        "seed": settings.seed,
        "max_train_steps": plan.steps,
        "num_epochs": plan.epochs,
        "num_batches_per_epoch": plan.batches_per_epoch,
        "network_dim": rank.dim,
        "network_alpha": rank.alpha,
        "training_started_at": time.time(),
    }
