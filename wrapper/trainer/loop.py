"""The loop: epochs of groups of batches, one optimizer step a group."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from tqdm import tqdm

from dataset_tools.errors import RunFailed
from wrapper.trainer.config import Settings
from wrapper.trainer.data.batches import Batch, count_batches, count_steps, epoch_batches
from wrapper.trainer.data.pictures import PictureSet
from wrapper.trainer.state import Learner
from wrapper.trainer.step import Stepper


@dataclass(frozen=True)
class Plan:
    """How long a run is, counted as sd-scripts does."""

    batches_per_epoch: int
    steps_per_epoch: int
    epochs: int
    steps: int


def make_plan(sets: Sequence[PictureSet], settings: Settings) -> Plan:
    """``max_train_epochs`` beats ``max_train_steps``."""
    steps_per_epoch = count_steps(sets, settings.gradient_accumulation_steps)
    steps = settings.max_train_steps
    if settings.max_train_epochs:
        steps = settings.max_train_epochs * steps_per_epoch
    return Plan(count_batches(sets), steps_per_epoch, math.ceil(steps / steps_per_epoch), steps)


@dataclass
class LossAverage:
    """sd-scripts' ``avr_loss``: each batch's last loss, averaged over the batches of an epoch."""

    losses: list[float] = field(default_factory=list)

    def add(self, epoch: int, place: int, loss: float) -> None:
        """``epoch`` and ``place`` (the batch's in it) are counted from 0."""
        if epoch == 0:
            self.losses.append(loss)
            return
        self.losses += [0.0] * (place + 1 - len(self.losses))
        self.losses[place] = loss

    @property
    def mean(self) -> float:
        return sum(self.losses) / len(self.losses) if self.losses else 0.0


@dataclass(frozen=True)
class Moment:
    """Where training is: ``step`` steps are done; ``epoch`` counts from 1."""

    step: int
    epoch: int
    loss: float
    average: float


OnMoment = Callable[[Moment], None]


@dataclass(frozen=True)
class Loop:
    """Trains ``learner`` with ``stepper``'s losses; ``on_step`` and ``on_epoch`` save, draw and log."""

    plan: Plan
    stepper: Stepper
    learner: Learner
    sets: Sequence[PictureSet]
    accelerator: Any
    average: LossAverage
    on_step: OnMoment
    on_epoch: OnMoment

    def run(self, step: int = 0) -> None:
        """Train from after ``step`` to the plan's last. Raises `RunFailed` when the loss is not finite."""
        with tqdm(
            total=self.plan.steps, initial=step, desc="steps", smoothing=0, file=sys.stdout, ascii=False
        ) as bar:
            if self.average.losses:  # told also where no step is left
                bar.set_postfix(avr_loss=self.average.mean, refresh=False)
            for epoch in range(step // self.plan.steps_per_epoch, self.plan.epochs):
                moment = None
                for first, group in self._groups(epoch, step):
                    loss = self._step(epoch, first, group)
                    step += 1
                    moment = Moment(step, epoch + 1, loss, self.average.mean)
                    bar.set_postfix(avr_loss=self.average.mean, refresh=False)
                    bar.update()
                    self.on_step(moment)
                if moment is not None:
                    self.on_epoch(moment)

    def _groups(self, epoch: int, done: int) -> Iterator[tuple[int, list[Batch]]]:
        """(place of the first batch, the batches) of every optimizer step of ``epoch`` that is to come."""
        size = self.stepper.settings.gradient_accumulation_steps
        batches = epoch_batches(self.sets, self.stepper.seed, epoch)
        before = epoch * self.plan.steps_per_epoch
        for number in range(max(done - before, 0), min(self.plan.steps_per_epoch, self.plan.steps - before)):
            yield number * size, batches[number * size : (number + 1) * size]

    def _step(self, epoch: int, first: int, group: Sequence[Batch]) -> float:
        """One optimizer step over ``group``; the last batch's loss."""
        value = math.nan
        settings = self.stepper.settings
        for place, batch in enumerate(group, first):
            loss = self.stepper.loss(batch, epoch * self.plan.batches_per_epoch + place)
            value = self._finite(loss, epoch)
            self.accelerator.backward(loss / settings.gradient_accumulation_steps)
            self.average.add(epoch, place, value)
        if settings.max_grad_norm:
            self.accelerator.clip_grad_norm_(self.learner.network.parameters(), settings.max_grad_norm)
        self.learner.optimizer.step()
        if not self.accelerator.optimizer_step_was_skipped:
            self.learner.schedule.step()
        self.learner.optimizer.zero_grad(set_to_none=True)
        return value

    @staticmethod
    def _finite(loss: Tensor, epoch: int) -> float:
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RunFailed(
                f"The loss is not finite (NaN or infinite) in epoch {epoch + 1}: training stopped.",
                "Lower the learning rate; with fp16 set no_half_vae = true or use bf16.",
            )
        return value


def log_values(moment: Moment, schedule: Any, groups: Sequence[str]) -> Mapping[str, float]:
    """A step's numbers for TensorBoard, under sd-scripts' names."""
    rates = {f"lr/{name}": rate for name, rate in zip(groups, schedule.get_last_lr(), strict=True)}
    return {"loss/current": moment.loss, "loss/average": moment.average, **rates}
