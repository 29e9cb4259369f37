"""Lets torchvision be imported beside a torch that it was not built for, such as a CPU build.

Lies in the site-packages of sd-scripts' environment and is imported at every start of its Python, so it
imports nothing but `sys` by itself: the work is done when torchvision is asked for. What torchvision lacks
there is its compiled operators, and its own import fails while registering shapes for two of them.
"""

import sys

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
kept: list[object] = []
"""The declarations are withdrawn when their library object is collected."""


class DeclareFirst:
    """A finder that finds nothing: asked for what registers the shapes, it declares and steps aside.

    By then torchvision has loaded its operators if it could.
    """

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name == "torchvision._meta_registrations":
            sys.meta_path.remove(DeclareFirst)
            declare()


def declare() -> None:
    import torch

    if hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    for operator in OPERATORS:
        library.define(operator)
    kept.append(library)


sys.meta_path.insert(0, DeclareFirst)
