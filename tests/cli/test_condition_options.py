"""Controls, IP-Adapters and devices on the command line: argv → plain data, or what is missing."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from wrapper.cli.condition_options import condition_options, conditions_of
from wrapper.cli.device_options import device_options, placement_of
from wrapper.diffusion.conditions.conditions import Conditions, Control, IpAdapter
from wrapper.diffusion.pipelines.placement import Placement


def parsed(*argv):
    """What a command with these options is given: conditions, placement, and the rest."""
    found = {}

    @click.command()
    @condition_options
    @device_options
    def command(**given):
        found.update(conditions=conditions_of(given), placement=placement_of(given), rest=given)

    result = CliRunner().invoke(command, argv)
    return found if result.exit_code == 0 else result.output


@pytest.mark.parametrize(
    ("value", "control"),
    [
        ("depth=a.png", Control("depth", Path("a.png"), Path("net"))),
        ("depth=a.png:0.8", Control("depth", Path("a.png"), Path("net"), 0.8)),
        ("depth=a.png:.8:0-0.6", Control("depth", Path("a.png"), Path("net"), 0.8, 0.0, 0.6)),
        ("depth=C:\\x y\\поза.png:1:0.2-1", Control("depth", Path("C:\\x y\\поза.png"), Path("net"), 1, 0.2)),
        ("depth=a=b:c.png", Control("depth", Path("a=b:c.png"), Path("net"))),
    ],
)
def test_a_control_has_a_weight_and_a_span(value, control):
    found = parsed("--control", value, "--control-model", "depth=net")
    assert found["conditions"] == Conditions((control,))


def test_several_controls_keep_their_order_and_their_preprocessors():
    found = parsed(
        *("--control", "openpose=p.jpg", "--control", "depth=d.png", "--control", "depth2=e.png"),
        *("--control-model", "depth2=n2", "--control-model", "depth=n1", "--control-model", "openpose=n0"),
        *("--control-preprocessor", "openpose=vitpose folder"),
    )
    controls = found["conditions"].controls
    assert [(one.kind, str(one.model)) for one in controls] == [
        ("openpose", "n0"),
        ("depth", "n1"),
        ("depth2", "n2"),
    ]
    assert [one.preprocessor for one in controls] == ["vitpose folder", None, None]


def test_all_images_are_for_one_adapter_and_one_each_for_several():
    encoder = ("--ip-encoder", "clip")
    one = parsed("--ip-adapter", "a.safetensors:0.6", "--ip-image", "x.png", "--ip-image", "y.png", *encoder)
    assert one["conditions"].adapters == (
        IpAdapter(Path("a.safetensors"), Path("clip"), (Path("x.png"), Path("y.png")), 0.6),
    )
    two = parsed(
        *("--ip-adapter", "a", "--ip-adapter", "b:0.5", "--ip-image", "x.png", "--ip-image", "y.png"),
        *encoder,
    )
    assert [(one.images, one.scale) for one in two["conditions"].adapters] == [
        ((Path("x.png"),), 1.0),
        ((Path("y.png"),), 0.5),
    ]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--control", "a.png"], "write KIND="),
        (["--control", "depth=a.png"], "give its ControlNet with --control-model depth=PATH"),
        (["--control-model", "depth=net"], "give its image with --control depth=IMAGE"),
        (["--control-preprocessor", "depth=x"], "give its image with --control depth=IMAGE"),
        (["--control", "depth=a", "--control", "depth=b", "--control-model", "depth=n"], "call it depth2"),
        (["--ip-adapter", "a"], "--ip-encoder"),
        (["--ip-adapter", "a", "--ip-encoder", "c"], "give --ip-image"),
        (["--ip-image", "a.png"], "go with --ip-adapter"),
        (
            ["--ip-adapter", "a", "--ip-adapter", "b", "--ip-image", "x", "--ip-encoder", "c"],
            "give one image each",
        ),
        (["--memory", "tiny"], "is not one of"),
        (["--precision", "fp8"], "is not one of"),
    ],
)
def test_a_half_without_its_other_half_is_told(argv, said):
    assert said in " ".join(parsed(*argv).split())


def test_devices_are_plain_data_and_pickles_stay_with_the_base():
    found = parsed("--device", "cuda:1", "--precision", "bf16", "--memory", "low", "--allow-pickle")
    assert found["placement"] == Placement("cuda:1", "bf16", "sdpa", "low")
    assert found["rest"] == {"allow_pickle": True}
    plain = parsed()
    assert (plain["conditions"], plain["placement"]) == (Conditions(), Placement())
