"""The stages of a job that are disturbed: which command, from which state of the project, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.worlds import World

Sign = Callable[[World], bool]
BOTH = ("--set", "stage_b.enabled=true")
STAGE_B = (
    *("train", "stage_b", *BOTH, "--set", "stage_b.preset=cpu", "--set", "stage_b.kohya.max_train_steps=4"),
    *("--set", "stage_b.kohya.save_every_n_steps=2", "--set", "stage_b.kohya.save_state=true"),
    *("--set", "stage_b.kohya.network_dim=2", "--set", "stage_b.kohya.network_alpha=2"),
)
CAPTIONS = "dataset/stage_a"
EDIT = ("captions", CAPTIONS, "--replace", "photo", "good photo")
LORA = "loras/face_stage_a.safetensors"
EARLIER = "runs/stage_a-001/output/face_stage_a-step00000002.safetensors"
INIT = ("init", "taken over", "--from", "config/stage_a_train.toml")
RATES = "stage_a.kohya.learning_rate=1e-2,2e-2"
NEW = ("--out", "new.safetensors")


def _train_again(world: World) -> list[str]:
    return ["train", "stage_a", *_resume(world, "stage_a")]


def _train_b_again(world: World) -> list[str]:
    return [*STAGE_B, *_resume(world, "stage_b")]


def _resume(world: World, stage: str) -> list[str]:
    return ["--resume"] if any(world.project.glob(f"runs/{stage}-*/output/*-state")) else []


def _edit_again(world: World) -> list[str]:
    """An edit that is done is not done once more: whoever looks at the captions sees it."""
    edits = world.project.glob(f"{CAPTIONS}/.captions/[0-9]*")
    done = any(not (edit / "unfinished.json").exists() for edit in edits)
    return ["captions", CAPTIONS] if done else list(EDIT)


def _init_again(world: World) -> list[str]:
    """A project that is there is never made anew."""
    return ["--version"] if (world.project / INIT[1] / "lorawrap.toml").exists() else list(INIT)


def _over(argv: tuple[str, ...]) -> Callable[[World], list[str]]:
    """A LoRA tool refuses a name that is taken, also by what it wrote just before it was killed."""
    return lambda world: [*argv, *(["--force"] if (world.project / argv[-1]).exists() else [])]


def _log(world: World) -> str:
    logs = sorted(world.project.glob("runs/stage_a-*/log.txt"))
    return logs[-1].read_text(encoding="utf-8") if logs else ""


def at_once(_world: World) -> bool:
    return True


def caches(world: World) -> bool:
    return any(world.project.glob(".lorawrap/latents/*"))


def trains(world: World) -> bool:
    return "steps: " in _log(world)


def saves(world: World) -> bool:
    return any(any(folder.iterdir()) for folder in world.project.glob("runs/*/output"))


@dataclass(frozen=True)
class Stage:
    """``argv`` begins on the world kept as ``ready``; moments are drawn from ``sign`` to ``until``.

    Without ``until`` they are drawn to the end. ``again``: what a user would type after it was cut off.
    """

    name: str
    ready: str
    argv: tuple[str, ...]
    sign: Sign = at_once
    until: Sign | None = None
    again: Callable[[World], list[str]] | None = None

    def next_start(self, world: World) -> list[str]:
        return self.again(world) if self.again else list(self.argv)


def _tool(name: str, ready: str, *argv: str) -> Stage:
    return Stage(f"lora-{name}", ready, ("lora", *argv), again=_over(("lora", *argv)))


DRAWN = "drawn"
"""What every world begins as: photographs, masks, a manifest and settings."""
MARKED = ("--from", "alpha", "--marked", "marked", "--out", "made", "--sheets", "look")
STAGES = {
    stage.name: stage
    for stage in (
        Stage("qc", DRAWN, ("qc", "--workers", "1")),
        Stage("masks", DRAWN, ("masks", "photos", *MARKED)),
        Stage("build", "qc", ("build",)),
        Stage("captions", "build", EDIT, again=_edit_again),
        Stage("render", "build", ("render",)),
        Stage("caching", "render", ("train", "stage_a"), caches, trains, _train_again),
        Stage("training", "render", ("train", "stage_a"), trains, None, _train_again),
        Stage("saving", "render", ("train", "stage_a"), saves, None, _train_again),
        Stage("launch", "render", ("train", "stage_a"), at_once, trains, _train_again),
        Stage("resume", "cut short", ("train", "stage_a", "--resume")),
        Stage("stage_b", "both stages", STAGE_B, again=_train_b_again),
        Stage("generate", "train", ("generate",)),
        Stage("evaluate", "generate", ("evaluate", "--choose")),
        Stage("inpaint", "train", ("inpaint", "--manifest", "manifest.jsonl", "--out", "repainted")),
        Stage("compare", "train", ("compare", "--x", "weight=0.7,1.0", "--y", "seed=1,2")),
        Stage("export", "evaluate", ("export",)),
        Stage("report", "export", ("report",)),
        _tool("merge", "train", "merge", f"{LORA}:0.5", f"{EARLIER}:0.5", *NEW),
        _tool("merge-into", "train", "merge", LORA, "--into", "../base", *NEW),
        _tool("resize", "train", "resize", LORA, "--rank", "1", *NEW),
        _tool("extract", "tuned", "extract", "tuned.safetensors", "../base", "--rank", "2", *NEW),
        _tool("convert", "train", "convert", LORA, "--to", "peft", "--out", "new"),
        _tool("edit", "train", "edit", LORA, "--title", "лицо", *NEW),
        Stage("run", DRAWN, ("run",)),
        Stage(
            "sweep", "render", ("sweep", "run", "rates", "--grid", "stage_a.kohya.learning_rate=1e-2,2e-2")
        ),
        Stage("init", "render", INIT, again=_init_again),
        Stage("demo", DRAWN, ("demo", "--photos-only")),
    )
}
SAME_COMMAND = {"caching", "saving", "launch"}
"""Their write boundaries are those of ``training``."""
KEPT = {
    "qc": (DRAWN, ("qc", "--workers", "1")),
    "build": ("qc", ("build",)),
    "render": ("build", ("render",)),
    "cut short": ("render", ("train", "stage_a", "--set", "stage_a.kohya.max_train_steps=4")),
    "train": ("render", ("train", "stage_a")),
    "both stages": ("train", ("build", *BOTH)),
    "tuned": ("train", ("lora", "merge", LORA, "--into", "../base", "--out", "tuned.safetensors")),
    "generate": ("train", ("generate",)),
    "evaluate": ("generate", ("evaluate", "--choose")),
    "export": ("evaluate", ("export",)),
}
"""The worlds that stages begin from: from which one, and by which command, each is made."""
