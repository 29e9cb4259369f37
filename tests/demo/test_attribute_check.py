"""The judge of samples: it reads portraits rightly, is fair about what cannot be seen, and learns."""

from __future__ import annotations

import numpy as np
import torch

from wrapper.demo.attribute_check import ATTRIBUTES, UNKNOWN, Judge, agreement, labels, train_judge
from wrapper.demo.drawings import base_drawings
from wrapper.demo.portraits import Ear, Portrait


def read(portrait: Portrait) -> dict[str, str | None]:
    found = {name: int(values[0]) for name, values in labels([portrait]).items()}
    return {name: None if at == UNKNOWN else ATTRIBUTES[name][0][at] for name, at in found.items()}


def test_labels_say_what_a_portrait_shows_and_leave_out_what_it_hides():
    profile = Portrait(view="profile_left", hair_style="bald", left_ear=Ear("flat", "small"))
    seen = read(profile)
    assert seen["view"] == "profile_left"
    assert seen["left ear shape"] == "flat"
    assert seen["left lobe"] == "small"
    assert seen["hair"] is seen["right ear shape"] is seen["right lobe"] is None
    assert seen["glasses"] == "no"
    assert read(Portrait(view="back", glasses=True))["glasses"] is None


def test_agreement_counts_only_what_can_be_seen():
    class Parrot(Judge):
        """Always gives each attribute's first value."""

        def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
            return {
                name: torch.eye(len(values))[0].expand(len(pictures), -1)
                for name, (values, _) in ATTRIBUTES.items()
            }

    portraits = [Portrait(view="front"), Portrait(view="back"), Portrait(view="profile_right")]
    figures = agreement(Parrot(), np.zeros((3, 64, 64, 3), np.uint8), portraits)
    assert figures["view"] == {"share": 0.333, "n": 3}
    assert figures["left ear shape"]["n"] == 2
    assert figures["glasses"] == {"share": 1.0, "n": 2}


def test_a_judge_learns_from_drawings():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    judge = train_judge(base_drawings(200, 1), seed=1, steps=30)
    held_out = base_drawings(60, 2)
    share = agreement(judge, held_out.pictures, held_out.portraits)
    torch.set_num_threads(threads)
    assert share["background"]["share"] > 0.6, "six backgrounds: chance is 0.17"
    assert share["view"]["share"] > 0.5
    assert share["view"]["n"] == 60
