"""Where a pipeline goes, on machines of every sort: data in, data out."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.diffusion.pipelines.machine import Machine, this_machine
from wrapper.diffusion.pipelines.placement import (
    GIB,
    Placed,
    Placement,
    choose,
    fit_memory,
    fitting,
)

BARE = Machine()
CUDA = Machine((24 * GIB,), cuda_build=True, xformers=True)
TWO = Machine((24 * GIB, 6 * GIB), cuda_build=True)
APPLE = Machine(mps=True)


@pytest.mark.parametrize(
    ("machine", "asked", "device", "precision", "memory"),
    [
        (BARE, Placement(), "cpu", "fp32", "full"),
        (CUDA, Placement(), "cuda", "fp16", "auto"),
        (APPLE, Placement(), "mps", "fp32", "full"),
        (APPLE, Placement(precision="fp16"), "mps", "fp16", "full"),
        (CUDA, Placement("cpu"), "cpu", "fp32", "full"),
        (CUDA, Placement("cpu", "bf16"), "cpu", "bf16", "full"),
        (CUDA, Placement(precision="fp32", memory="low"), "cuda", "fp32", "low"),
        (TWO, Placement("cuda:1"), "cuda:1", "fp16", "auto"),
        (BARE, Placement(memory="balanced"), "cpu", "fp32", "balanced"),
    ],
)
def test_what_is_not_named_is_chosen_for_the_machine(machine, asked, device, precision, memory):
    placed = choose(asked, machine)
    assert (placed.device, placed.precision, placed.memory) == (device, precision, memory)


@pytest.mark.parametrize(
    ("machine", "asked", "said"),
    [
        (BARE, Placement("cuda"), "this torch was built without CUDA"),
        (Machine(cuda_build=True), Placement("cuda"), "torch sees no CUDA GPU"),
        (CUDA, Placement("cuda:1"), "there are 1 CUDA GPUs, counted from 0"),
        (CUDA, Placement("cuda:x"), "is not a device"),
        (CUDA, Placement("mps"), "no Apple GPU"),
        (CUDA, Placement("gpu"), "is not a device"),
        (BARE, Placement(precision="fp16"), "a CPU does not compute in fp16"),
        (BARE, Placement(precision="fp8"), "is not a precision"),
        (BARE, Placement(attention="xformers"), "needs a CUDA GPU"),
        (TWO, Placement(attention="xformers"), "xFormers is not installed"),
        (CUDA, Placement(attention="sage"), "is not known"),
        (CUDA, Placement(memory="tiny"), "is not known"),
    ],
)
def test_what_the_machine_has_not_is_one_sentence(machine, asked, said):
    with pytest.raises(UserError, match=said) as raised:
        choose(asked, machine)
    assert raised.value.hint or "CUDA GPUs" in said


def test_xformers_is_taken_where_it_works():
    assert choose(Placement(attention="xformers"), CUDA).attention == "xformers"


@pytest.mark.parametrize(
    ("free_gib", "memory"),
    [(16, "full"), (12, "full"), (11, "balanced"), (8, "balanced"), (6, "low"), (1, "low")],
)
def test_sdxl_is_offloaded_on_small_cards(free_gib, memory):
    sizes = [int(gib * GIB) for gib in (4.8, 1.3, 0.23, 0.16)]
    machine = Machine((free_gib * GIB,), cuda_build=True)
    placed = fit_memory(choose(Placement(), machine), machine, "sdxl", sizes)
    assert placed.memory == memory
    assert placed.offloads == (memory != "full")
    assert (f"{free_gib:.1f} GiB of GPU memory are free" in placed.line()) == placed.offloads


def test_what_was_asked_for_is_not_chosen_again():
    machine = Machine((GIB,), cuda_build=True)
    assert fit_memory(choose(Placement(memory="full"), machine), machine, "sdxl", [10 * GIB]).memory == "full"


def test_fp32_needs_twice_the_working_memory():
    machine = Machine((10 * GIB,), cuda_build=True)
    placed = [choose(Placement(precision=p), machine) for p in ("fp16", "fp32")]
    memories = [fit_memory(one, machine, "sdxl", [4 * GIB]).memory for one in placed]
    assert memories == ["full", "balanced"]


def test_a_tenth_of_the_memory_is_left_alone():
    assert fitting(free=10, all_at_once=9, largest_alone=5) == "full"
    assert fitting(free=10, all_at_once=10, largest_alone=9) == "balanced"
    assert fitting(free=10, all_at_once=11, largest_alone=10) == "low"


@pytest.mark.parametrize(
    ("placed", "line"),
    [
        (Placed("cuda", "fp16", "xformers", "full"), "cuda, fp16, xFormers"),
        (Placed("cuda:1", "fp16", "sdpa", "balanced"), "cuda:1, fp16, one model at a time on the GPU, "
         "VAE in tiles"),
        (Placed("cpu", "fp32", "sdpa", "low"), "cpu, fp32, VAE in tiles"),
        (Placed("cuda", "fp16", "sdpa", "low", "2.0 GiB free"), "cuda, fp16, one layer at a time on the GPU, "
         "VAE in tiles (2.0 GiB free)"),
    ],
)  # fmt: skip
def test_the_choice_is_one_line(placed, line):
    assert placed.line() == line


def test_this_machine_is_asked_without_a_fault():
    import torch

    machine = this_machine()
    assert len(machine.free_bytes) == (torch.cuda.device_count() if torch.cuda.is_available() else 0)
