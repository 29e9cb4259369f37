"""ComfyUI's graphs are whole, and the editor's form says the same as the API form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wrapper.diffusion.pipelines.schedulers import SAMPLERS as OURS
from wrapper.export.companions.graphs import Graph, comfy_sampler, graph_faults, node_types, ui_graph
from wrapper.export.companions.workflows import workflow
from wrapper.export.source import Source
from wrapper.export.wish import WORKFLOWS, Wish

SOURCE = Source(Path("x"), "sd15", {}, {})


def graph(use: str, **more: Any) -> Graph:
    return workflow(Wish(Path("x"), 'a "b" 🙂\\', prompt="line\none, «ухо»", **more), SOURCE, use)


@pytest.mark.parametrize("use", WORKFLOWS)
def test_a_graph_is_whole(use: str):
    assert graph_faults(graph(use)) == []


@pytest.mark.parametrize("use", WORKFLOWS)
def test_the_editors_form_says_what_the_api_form_says(use: str):
    api, ui = graph(use), ui_graph(graph(use))
    ends = {link[0]: link for link in ui["links"]}
    for node in ui["nodes"]:
        inputs = api[str(node["id"])]["inputs"]
        for slot in node["inputs"]:
            _, source, source_slot, target, _, kind = ends[slot["link"]]
            assert inputs[slot["name"]] == [str(source), source_slot]
            assert (target, kind) == (node["id"], slot["type"])
        widgets = dict(zip(node_types()[node["type"]]["widgets"], node["widgets_values"], strict=True))
        assert {name: widgets[name] for name in widgets if name in inputs} == {
            name: value for name, value in inputs.items() if not isinstance(value, list)
        }
    outgoing = [link for node in ui["nodes"] for slot in node["outputs"] for link in slot["links"]]
    assert sorted(outgoing) == list(range(1, ui["last_link_id"] + 1))


def test_nodes_do_not_lie_over_each_other():
    boxes = [(*node["pos"], *node["size"]) for node in ui_graph(graph("inpaint"))["nodes"]]
    for i, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[i + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x
            assert apart or y + height <= other_y or other_y + other_height <= y


def test_faults_are_found():
    broken = graph("txt2img")
    del broken["6"]["inputs"]["seed"]
    broken["7"]["inputs"]["samples"] = ["3", 0]
    broken["8"]["class_type"] = "SavePicture"
    faults = " ".join(graph_faults(broken))
    assert "['seed']" in faults
    assert "samples wants LATENT, gets CONDITIONING" in faults
    assert "unknown class SavePicture" in faults


def test_inpainting_goes_through_the_conditioning_of_nine_channel_bases():
    api = graph("inpaint", strength=0.45)
    sampler = next(node for node in api.values() if node["class_type"] == "KSampler")
    for name in ("positive", "negative", "latent_image"):
        assert api[sampler["inputs"][name][0]]["class_type"] == "InpaintModelConditioning"
    assert sampler["inputs"]["denoise"] == 0.45


def test_every_sampler_that_draws_here_has_its_name_there():
    assert len({comfy_sampler(name) for name in OURS}) == len(OURS)
    assert comfy_sampler("Euler a") == ("euler_ancestral", "normal")
    assert comfy_sampler("DPM++ 2M SDE Karras") == ("dpmpp_2m_sde", "karras")
    assert comfy_sampler("DDIM") == ("ddim", "ddim_uniform")
