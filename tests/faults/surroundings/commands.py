"""Commands of a whole job, each with the stage before which its project is ready for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """``argv`` on a project that is ready for the stage ``ready``; ``again`` is what goes on with it.

    ``writes`` are the folders that it writes into, ``bases`` whether it needs base models.
    """

    ready: str
    argv: tuple[str, ...]
    again: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    bases: bool = False

    def next(self) -> list[str]:
        return list(self.again or self.argv)


_WEBUI = "{p}/programs/stable-diffusion-webui"
_LORAS = ("{p}/loras/myface_stage_a.safetensors:0.5", "{p}/loras/myface_stage_b.safetensors:0.5")
_ROWS = ("--manifest", "{p}/repaired.jsonl", "--prompt", "an ear", "--steps", "2", "--seed", "1")
_MASKS = ("--from", "alpha", "--out", "{p}/cut out", "--sheets", "{p}/sheets")
_FEW = ("--seed", "1,2", "--steps", "2")
COMMANDS: dict[str, Asked] = {
    "qc": Asked("qc", ("qc",), writes=("qc",)),
    "masks": Asked(
        "qc",
        ("masks", "{p}/unmasked", "--marked", "{p}/marked", *_MASKS),
        writes=("cut out", "sheets"),
    ),
    "build": Asked("build", ("build",), writes=("dataset",)),
    "captions": Asked("train", ("captions", "{p}/dataset", "--prefix", "drawn"), writes=("dataset",)),
    "render": Asked("train", ("render",), writes=("config",)),
    "train": Asked(
        "train",
        ("train", "stage_a"),
        ("train", "stage_a", "--resume"),
        writes=("runs", "loras", "config"),
        bases=True,
    ),
    "generate": Asked("generate", ("generate",), writes=("images",), bases=True),
    "inpaint": Asked(
        "evaluate",
        ("inpaint", "--project", "{p}", *_ROWS, "--out", "{p}/repaired"),
        writes=("repaired",),
        bases=True,
    ),
    "compare": Asked(
        "evaluate",
        ("compare", "--project", "{p}", "--x", "weight=0,1", *_FEW, "--yes", "--out", "{p}/compared"),
        writes=("compared",),
        bases=True,
    ),
    "evaluate": Asked("evaluate", ("evaluate",), writes=("images",), bases=True),
    "export": Asked("export", ("export",), writes=("export",), bases=True),
    "export --dest": Asked(
        "export",
        ("export", "--project", "{p}", "--to", "a1111", "--dest", _WEBUI, "--force"),
        writes=("programs",),
        bases=True,
    ),
    "report": Asked("report", ("report",)),
    "lora merge": Asked("report", ("lora", "merge", *_LORAS, "--out", "{p}/merged.safetensors", "--force")),
    "runs list": Asked("report", ("runs", "list")),
    "runs show": Asked("report", ("runs", "show", "stage_a")),
    "sweep": Asked(
        "train",
        ("sweep", "run", "lr", "--stage", "stage_a", "--grid", "stage_a.kohya.learning_rate=1e-3,2e-3"),
        writes=("sweeps",),
        bases=True,
    ),
}
