"""One run, from settings to files. Imports everything heavy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.wording import count_of
from wrapper.places import cache_folder
from wrapper.trainer.config import Settings
from wrapper.trainer.data.batches import every_sight, first_sights
from wrapper.trainer.data.cache import TensorCache
from wrapper.trainer.data.captions import every_caption
from wrapper.trainer.data.samples import load_sample
from wrapper.trainer.latents import Encoder
from wrapper.trainer.loop import Loop, LossAverage
from wrapper.trainer.metadata import run_metadata
from wrapper.trainer.model import Model, load_model
from wrapper.trainer.names import OutputNames
from wrapper.trainer.network import Network, build_network
from wrapper.trainer.optimizer import make_optimizer, make_schedule
from wrapper.trainer.outputs import Outputs, fingerprint, run_facts
from wrapper.trainer.prepare import Job, check_sizes, prepare
from wrapper.trainer.samples import Sampler
from wrapper.trainer.state import Learner, load_state
from wrapper.trainer.step import Stepper
from wrapper.trainer.text import FrozenText


def run(settings: Settings) -> None:
    """Train. Raises `UserError` for wrong input, `RunFailed` for a run that went wrong."""
    job = prepare(settings)
    try:
        _run(job)
    except torch.cuda.OutOfMemoryError:
        raise RunFailed(
            "The GPU has not enough memory.",
            "Set gradient_checkpointing, a smaller batch, cache_latents, or a lower resolution.",
        ) from None


def _run(job: Job) -> None:
    settings = job.settings
    accelerator = make_accelerator(settings)
    model = load_model(job.info, settings, accelerator.device)
    check_sizes(job.sets, model.pixels_per_latent)
    torch.manual_seed(settings.seed)
    network, unused = build_network(model, settings)
    bare, groups = make_optimizer(network, settings)
    schedule = make_schedule(bare, settings, job.plan.steps)
    learner = Learner(network, accelerator.prepare(bare), schedule, accelerator.scaler)
    stepper = make_stepper(job, model, network, accelerator)
    announce(job, network, unused)
    if job.start:
        _resume(learner, job)
    average = LossAverage(list(job.start.losses) if job.start else [])
    outputs = _outputs(job, model, learner, accelerator, groups, average)
    loop = Loop(job.plan, stepper, learner, job.sets, accelerator, average, outputs.on_step, outputs.on_epoch)
    with outputs.tracking():
        if job.start:
            outputs.catch_up(job.start.step)
        else:
            outputs.sampler.at_step(0)
        loop.run(job.start.step if job.start else 0)
        outputs.finish()
    say(f"model saved: {outputs.names.last}")


def say(text: str) -> None:
    """One plain line for the log."""
    print(text, flush=True)


def make_accelerator(settings: Settings) -> Accelerator:
    """The device and the precision. Raises `UserError` for what this machine cannot do."""
    if settings.log_with and not settings.logging_dir:
        raise UserError("'log_with' needs 'logging_dir'.")
    if settings.logging_dir and not find_spec("tensorboard"):
        raise UserError("'logging_dir' needs the tensorboard package.", "pip install lorawrap[tensorboard]")
    if settings.mixed_precision == "fp16" and not torch.cuda.is_available():
        raise UserError("mixed_precision 'fp16' needs a GPU.", "Use 'no' or 'bf16' on the CPU.")
    accelerator = Accelerator(
        mixed_precision=settings.mixed_precision,
        log_with="tensorboard" if settings.logging_dir else None,
        project_dir=settings.logging_dir,
    )
    if accelerator.num_processes > 1:
        raise UserError("The embedded trainer trains on one device.", "Launch one process.")
    return accelerator


def make_stepper(job: Job, model: Model, network: Network, accelerator: Accelerator) -> Stepper:
    """The losses' maker, its caches filled as far as the settings ask for it."""
    settings, folder = job.settings, cache_folder()
    latents = None
    if settings.cache_latents:
        latents = TensorCache(folder / "latents" if settings.cache_latents_to_disk else None)
    encoder = Encoder(model, latents, need_mask=job.need_mask)
    if latents is not None:
        for sights in every_sight(job.sets):
            encoder.prepare(sights, settings.vae_batch_size)
        say(f"latents: {latents.made} encoded, {len(latents.memory) - latents.made} found in the cache")
        if not settings.sample_prompts:
            model.vae.to("cpu")
    text = None
    if not any(weight.requires_grad for weight in network.parameters(unet=False)):
        keep = folder / "text" if settings.cache_text_encoder_outputs_to_disk else None
        text = FrozenText(model, settings.clip_skip, TensorCache(keep))
        if settings.cache_text_encoder_outputs:
            _cache_text(text, job)
    return Stepper(model, settings, encoder, text, settings.seed, accelerator.autocast)


def _cache_text(text: FrozenText, job: Job) -> None:
    captions = every_caption([picture for pictures in job.sets for picture in pictures.pictures])
    text.prepare(captions)
    say(f"text encoder outputs: {text.cache.made} encoded, {len(captions) - text.cache.made} found")
    if not job.settings.sample_prompts:
        for encoder in text.model.text_encoders:
            encoder.to("cpu")


def _resume(learner: Learner, job: Job) -> None:
    assert job.start
    load_state(Path(job.settings.resume), learner)
    say(f"resumed from {job.settings.resume}: step {job.start.step} of {job.plan.steps}")
    now = fingerprint(job.settings)
    changed = sorted(name for name in now if now[name] != job.start.plan.get(name))
    if changed:
        say(f"note: changed since that state: {', '.join(changed)}")


def announce(job: Job, network: Network, unused: Sequence[str]) -> None:
    """Say in the log what is about to be trained."""
    for pictures in job.sets:
        for note in pictures.notes:
            say(f"warning: {note}")
    if unused:
        modules = count_of(len(unused), "module")
        say(f"warning: {modules} of {job.settings.network_weights} left out: they are not trained")
    train, reg = (sum(pictures.count(reg=flag) for pictures in job.sets) for flag in (False, True))
    plan = job.plan
    say(f"base: {job.info.path} ({job.info.kind}, {job.info.in_channels} channels)")
    say(f"network: {count_of(len(network.layers), 'module')}; seed {job.settings.seed}")
    say(
        f"images an epoch: {train} to train on, {reg} for regularisation, in {plan.batches_per_epoch} batches"
    )
    say(f"steps: {plan.steps} in {plan.epochs} epochs of {plan.steps_per_epoch}")


def _outputs(
    job: Job,
    model: Model,
    learner: Learner,
    accelerator: Any,
    groups: Sequence[str],
    average: LossAverage,
) -> Outputs:
    settings = job.settings
    names = OutputNames(Path(settings.output_dir), settings.output_name)
    facts = run_facts(settings, job.plan, learner.network)
    metadata = run_metadata(settings, job.info, job.sets, facts, time.strftime("%Y-%m-%dT%H:%M:%S"))
    sampler = Sampler(
        model,
        settings,
        names,
        lambda: [load_sample(sight, need_mask=True) for sight in first_sights(job.sets)],
    )
    return Outputs(settings, job.plan, learner, names, metadata, sampler, accelerator, groups, average)
