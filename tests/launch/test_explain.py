"""What trainers say when they fail, and what is made of it: one sentence."""

from __future__ import annotations

import re

import pytest

from wrapper.launch.endings.causes import FATAL, NOTICES
from wrapper.launch.endings.explain import exit_status, explain, notice

LAUNCHER = [
    "Traceback (most recent call last):",
    "subprocess.CalledProcessError: Command '['python']' returned non-zero exit status 2.",
]
FAILED = [LAUNCHER[0], LAUNCHER[1].replace("status 2", "status 1")]
TORCHRUN = [
    "  exitcode  : 1 (pid: 77)",
    "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
]
CAUSES = {
    "out of memory": (["torch.OutOfMemoryError: CUDA out of memory."], "The GPU ran out of memory."),
    "out of memory of one of many": (
        ["[rank1]: torch.OutOfMemoryError: CUDA out of memory.", *TORCHRUN],
        "The GPU ran out of memory.",
    ),
    "memory": (
        ["RuntimeError: DefaultCPUAllocator: can't allocate memory"],
        "The computer ran out of memory.",
    ),
    "killed": (["died with <Signals.SIGKILL: 9>."], "The trainer was killed (signal 9)."),
    "one of many killed": (["  exitcode  : -9 (pid: 77)"], "The trainer was killed (signal 9)."),
    "segfault": (["died with <Signals.SIGSEGV: 11>."], "crashed below Python"),
    "abort of one of many": (["  exitcode  : -6 (pid: 77)"], "crashed below Python"),
    "stack of a crash": (["Fatal Python error: Segmentation fault"], "crashed below Python"),
    "access violation": (["returned non-zero exit status 3221225477."], "crashed below Python"),
    "the same, signed": (["  exitcode  : -1073741819 (pid: 77)"], "crashed below Python"),
    "Windows' Ctrl-C": (["returned non-zero exit status 3221225786."], "interrupted from outside"),
    "Windows' memory": (["returned non-zero exit status 3221225495."], "The computer ran out of memory."),
    "DLL": (["returned non-zero exit status 3221225781."], "A library (DLL) that the trainer needs"),
    "old processor": (["died with <Signals.SIGILL: 4>."], "does not know"),
    "mapped file gone": (["died with <Signals.SIGBUS: 7>."], "The drive does not answer"),
    "drive": (["OSError: [Errno 5] Input/output error: '/a'"], "The drive does not answer"),
    "network drive": (["OSError: [Errno 116] Stale file handle"], "The drive does not answer"),
    "read only": (["OSError: [Errno 30] Read-only file system: '/a'"], "The disk can be read only."),
    "disk of safetensors": (
        ["SafetensorError: I/O error: No space left on device (os error 28)"],
        "disk is full",
    ),
    "terminated": (["died with <Signals.SIGTERM: 15>."], "ended from outside"),
    "loaders": (["RuntimeError: DataLoader worker (pid 7) Bus error."], "shared memory"),
    "nan": (["RuntimeError: loss is NaN at step 3"], "The loss became NaN."),
    "nan in the bar": (["steps: 1%|▏| 1/9 [00:01<00:08, avr_loss=nan]"], "The loss became NaN."),
    "nan latents": (["RuntimeError: NaN detected in latents: /a/ухо 1.png"], "NaN for /a/ухо 1.png."),
    "caption": (["illegal char in file (not UTF-8) / x: /a/ухо.txt"], "The caption /a/ухо.txt is not UTF-8."),
    "empty caption": (["AssertionError: caption file is empty / x: /a/1.txt"], "caption file is empty: /a/1"),
    "no captions": (["neither caption file nor class tokens are found"], "Images have no captions."),
    "broken image": (["PIL.UnidentifiedImageError: cannot identify image file '/a/1.png'"], "'/a/1.png'"),
    "image without a size": (
        ["failed to get image size: /a/ухо 1.png, error: cannot identify image file", "division by zero"],
        "An image file is broken: /a/ухо 1.png",
    ),
    "dataset key": (
        ["voluptuous.error.MultipleInvalid: extra keys not allowed @ data['datasets'][0]['num']"],
        "does not take the dataset file: extra keys not allowed @ data['datasets'][0]['num']",
    ),
    "8-bit": (["ImportError: No bitsandbytes / x"], "lacks the package 'bitsandbytes'"),
    "package": (["ModuleNotFoundError: No module named 'lion_pytorch'"], "lacks the package 'lion_pytorch'"),
    "no GPU": (["RuntimeError: No CUDA GPUs are available"], "sees no GPU"),
    "port": (["torch.distributed.DistNetworkError: EADDRINUSE, address already in use"], "The port is taken"),
    "machines": (["torch.distributed.DistStoreError: Timed out after 61 s"], "did not find each other"),
    "nccl": (["torch.distributed.DistBackendError: NCCL error in: x"], "could not talk to each other"),
    "disk": (["OSError: [Errno 28] No space left on device"], "The disk is full."),
    "hub": (["OSError: Can't load tokenizer for 'openai/clip'."], "could not be fetched"),
    "broken model": (["SafetensorError: Error while deserializing header: HeaderTooLarge"], "is broken"),
    "other model": (["size mismatch for down_blocks.0.weight: copying"], "(at down_blocks.0.weight)"),
    "the script's own words": (
        ["AssertionError: v2 cannot be enabled in SDXL training / 日本語"],
        "The trainer failed: v2 cannot be enabled in SDXL training.",
    ),
    "unknown": (["something"], "ended with exit code 1"),
}


@pytest.mark.parametrize(("lines", "message"), CAUSES.values(), ids=CAUSES)
def test_a_failure_is_explained_in_a_sentence(lines, message):
    told = explain(["steps are done", *lines, *FAILED], 1)
    assert message in told.message
    assert "\n" not in str(told)


KILLED = ["subprocess.CalledProcessError: Command '['python']' died with <Signals.SIGKILL: 9>."]


@pytest.mark.parametrize(
    ("kills", "message"),
    [
        (1, "ran out of memory, and the system ended the trainer"),
        (0, "not by the system for want of memory"),
        (None, "The trainer was killed (signal 9)."),
    ],
)
def test_who_killed_is_told_where_the_kernel_tells(kills, message):
    told = explain(KILLED, 1, kills)
    assert message in told.message
    assert told.cut_off


def test_a_launcher_that_was_killed_itself_says_nothing_and_is_explained():
    assert explain(["a line"], -9, 1).message.startswith("The computer ran out of memory")
    assert "crashed" in explain(["a line"], -11).message
    assert "crashed" in explain(["a line"], 0xC0000005).message


def test_a_fault_of_the_run_itself_is_no_cut_off():
    assert not explain(["RuntimeError: loss is NaN at step 3"], 1).cut_off
    assert not explain(["torch.OutOfMemoryError: CUDA out of memory."], 1).cut_off


def test_no_data_ends_with_zero():
    assert explain(["ERROR No data found. Please verify"], 0).message == "The trainer found no images."


def test_what_a_trainer_refuses_is_told_in_its_own_words():
    assert explain(["a line", "'v2' is not supported.", *LAUNCHER], 1).message == "'v2' is not supported."


def test_an_option_that_is_not_there_is_named():
    lines = [
        "usage: train_network.py [-h]",
        "train_network.py: error: unrecognized arguments: --x",
        *LAUNCHER,
    ]
    assert explain(lines, 1).message == "The trainer has no option --x"


def test_the_launcher_tells_the_trainers_exit_code():
    assert exit_status(LAUNCHER, 1) == 2
    assert exit_status(TORCHRUN, 2) == 1
    assert exit_status([], 5) == 5


def test_what_ends_no_run_is_noticed():
    assert notice("WARNING NaN found in latents, replacing with zeros").hint == "Set no_half_vae = true."
    assert "left out: /a b" in notice("ignore subset with image_dir='/a b': no images found").message
    assert notice("saving checkpoint: x") is None


@pytest.mark.parametrize("cause", [*FATAL, *NOTICES], ids=lambda cause: cause.message)
def test_every_pattern_is_whole(cause):
    names = re.compile(cause.pattern).groupindex
    assert ("{what}" in cause.message) == bool(names)
    assert cause.hint.endswith((".", ")"))
