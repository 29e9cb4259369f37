"""Does a mask lie where the row says that the ear is?"""

from __future__ import annotations

from dataset_tools.pictures.crop import Box

FEW = 0.5
"""Of the box, a mask that covers less is doubtful."""
FAR = 8.0
"""A mask whose own box is more than so many times as large as the ear's is doubtful."""


def covered(mask_box: Box, ear_box: Box) -> float:
    """The part of ``ear_box`` that lies in ``mask_box``, 0 to 1."""
    across = min(mask_box[2], ear_box[2]) - max(mask_box[0], ear_box[0])
    down = min(mask_box[3], ear_box[3]) - max(mask_box[1], ear_box[1])
    return max(across, 0) * max(down, 0) / area(ear_box)


def area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def disagreement(mask_box: Box, ear_box: Box, where: str) -> str:
    """What is odd about a mask with ``mask_box`` for an ear in ``ear_box``; empty when nothing is."""
    share = covered(mask_box, ear_box)
    if share == 0.0:
        return (
            f"{where}: the mask lies about {list(mask_box)}, the ear_box {list(ear_box)} is somewhere else."
        )
    if share < FEW:
        return f"{where}: the mask covers only {share:.0%} of the ear_box {list(ear_box)}."
    if area(mask_box) > FAR * area(ear_box):
        times = area(mask_box) / area(ear_box)
        return f"{where}: the mask's box is {times:.0f} times as large as the ear_box {list(ear_box)}."
    return ""
