"""The page's part on txt2img: the same prompts and seeds before and after."""

from __future__ import annotations

from dataclasses import dataclass, field

from wrapper.project.layout import ProjectPaths
from wrapper.records import read_list
from wrapper.report.pictures import Picture, picture

MAX_PAIRS = 24
PICTURE_PX = 320


@dataclass(frozen=True)
class Pair:
    seed: int
    before: Picture | None
    after: Picture | None


@dataclass(frozen=True)
class PromptPairs:
    prompt: str
    negative: str
    pairs: list[Pair]


@dataclass(frozen=True)
class Txt2imgPart:
    missing: str = ""
    prompts: list[PromptPairs] = field(default_factory=list)
    more: int = 0


def txt2img_part(paths: ProjectPaths) -> Txt2imgPart:
    """Read ``images/txt2img.json`` and the pictures that it lists."""
    shots = read_list(paths.images / "txt2img.json")
    if not shots:
        return Txt2imgPart(missing="No pictures were generated: there is no images/txt2img.json.")
    groups: dict[tuple[str, str], list[Pair]] = {}
    for shot in shots[:MAX_PAIRS]:
        told = f"{shot['prompt']}, seed {shot['seed']}"
        pair = Pair(
            shot["seed"],
            picture(paths.images / shot["base"], f"{told}, without the LoRA", PICTURE_PX),
            picture(paths.images / shot["lora"], f"{told}, with the LoRA", PICTURE_PX),
        )
        groups.setdefault((shot["prompt"], shot["negative"]), []).append(pair)
    prompts = [PromptPairs(prompt, negative, pairs) for (prompt, negative), pairs in groups.items()]
    return Txt2imgPart(prompts=prompts, more=max(0, len(shots) - MAX_PAIRS))
