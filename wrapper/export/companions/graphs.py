"""ComfyUI graphs: the API form from a template, and the UI's own form (schema 0.4) made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from wrapper.diffusion.pipelines.schedulers import sampler_fields
from wrapper.places import shipped

Graph = dict[str, dict[str, Any]]
COLUMN_PX, GAP_PX = 460, 60

SAMPLERS: Mapping[str, str] = {
    "Euler a": "euler_ancestral",
    "Euler": "euler",
    "DPM++ 2M": "dpmpp_2m",
    "DPM++ SDE": "dpmpp_sde",
    "DPM++ 2M SDE": "dpmpp_2m_sde",
    "DPM++ 2M SDE Heun": "dpmpp_2m_sde_heun",
    "LMS": "lms",
    "Heun": "heun",
    "DPM2": "dpm_2",
    "DPM2 a": "dpm_2_ancestral",
    "DDIM": "ddim",
    "PLMS": "ipndm",
    "UniPC": "uni_pc",
    "LCM": "lcm",
}
"""A1111's sampler → KSampler's ``sampler_name``. ComfyUI has no PLMS; iPNDM is the same multistep method."""
SCHEDULES: Mapping[str, str] = {
    "Uniform": "normal",
    "Karras": "karras",
    "Exponential": "exponential",
    "Beta": "beta",
    "SGM Uniform": "sgm_uniform",
}
"""A1111's schedule type → KSampler's ``scheduler``."""


def comfy_sampler(name: str) -> tuple[str, str]:
    """KSampler's ``sampler_name`` and ``scheduler``: ``DPM++ 2M Karras`` → ``dpmpp_2m``, ``karras``."""
    fields = sampler_fields(name)
    usual = "ddim_uniform" if fields["Sampler"] == "DDIM" else "normal"
    return SAMPLERS[fields["Sampler"]], SCHEDULES.get(fields.get("Schedule type", ""), usual)


def api_graph(template: str, values: Mapping[str, Any]) -> Graph:
    """The graph ``templates/comfyui/<template>.json`` with each ``"$key"`` replaced by ``values[key]``.

    Raises `KeyError` for a value that is missing.
    """
    text = (shipped("templates") / "comfyui" / f"{template}.json").read_text(encoding="utf-8")
    return _filled(json.loads(text), values)


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, dict):
        return {key: _filled(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    return values[part[1:]] if isinstance(part, str) and part.startswith("$") else part


@cache
def node_types() -> dict[str, dict[str, Any]]:
    """Inputs, widgets (in their order on the node) and outputs of the ComfyUI nodes that we use."""
    return json.loads((shipped("templates") / "comfyui" / "nodes.json").read_text(encoding="utf-8"))


def graph_faults(graph: Graph) -> list[str]:
    """What ComfyUI would refuse: unknown nodes, missing or unknown inputs, links of the wrong type."""
    faults = []
    for number, node in graph.items():
        kind = node_types().get(node["class_type"])
        if kind is None:
            faults.append(f"node {number}: unknown class {node['class_type']}")
            continue
        needed = set(kind["inputs"]) | (set(kind["widgets"]) - _UI_ONLY)
        if needed != set(node["inputs"]):
            faults.append(
                f"node {number}: inputs {sorted(needed ^ set(node['inputs']))} are missing or unknown"
            )
        faults += [
            f"node {number}: {name} wants {wanted}, gets {got}"
            for name, wanted in kind["inputs"].items()
            if name in node["inputs"] and (got := _type_of(node["inputs"][name], graph)) != wanted
        ]
    return faults


_UI_ONLY = {"control_after_generate", "upload"}


def _type_of(link: Any, graph: Graph) -> str:
    if not isinstance(link, list) or link[0] not in graph:
        return "nothing"
    outputs = node_types()[graph[link[0]]["class_type"]]["outputs"]
    return outputs[link[1]] if link[1] < len(outputs) else "nothing"


def ui_graph(graph: Graph) -> dict[str, Any]:
    """``graph`` as the editor saves it: nodes with places, links ``[id, from, slot, to, slot, type]``."""
    links = _links(graph)
    places = _places(graph)
    return {
        "last_node_id": max(map(int, graph)),
        "last_link_id": len(links),
        "nodes": [
            _node(number, graph[number], links, places[number], order) for order, number in enumerate(graph)
        ],
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def _links(graph: Graph) -> list[list[Any]]:
    links: list[list[Any]] = []
    for number, node in graph.items():
        for slot, (name, kind) in enumerate(node_types()[node["class_type"]]["inputs"].items()):
            source, source_slot = node["inputs"][name]
            links.append([len(links) + 1, int(source), source_slot, int(number), slot, kind])
    return links


def _node(
    number: str, node: dict[str, Any], links: list[list[Any]], place: list[int], order: int
) -> dict[str, Any]:
    kind = node_types()[node["class_type"]]
    into = {link[4]: link[0] for link in links if link[3] == int(number)}
    outof = [
        [link[0] for link in links if link[1:3] == [int(number), slot]]
        for slot in range(len(kind["outputs"]))
    ]
    return {
        "id": int(number),
        "type": node["class_type"],
        "pos": place,
        "size": kind["size"],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": [
            {"name": n, "type": t, "link": into[i]} for i, (n, t) in enumerate(kind["inputs"].items())
        ],
        "outputs": [
            {"name": t, "type": t, "links": outof[i], "slot_index": i} for i, t in enumerate(kind["outputs"])
        ],
        "properties": {"Node name for S&R": node["class_type"]},
        "widgets_values": [node["inputs"].get(name, default) for name, default in kind["widgets"].items()],
    }


def _places(graph: Graph) -> dict[str, list[int]]:
    """A column for each depth of the graph, nodes of a column below each other."""
    depth: dict[str, int] = {}
    for number, node in graph.items():
        sources = [value[0] for value in node["inputs"].values() if isinstance(value, list)]
        depth[number] = 1 + max((depth[source] for source in sources), default=-1)
    below: dict[int, int] = {}
    places = {}
    for number, node in graph.items():
        column = depth[number]
        places[number] = [column * COLUMN_PX, below.get(column, 0)]
        below[column] = below.get(column, 0) + node_types()[node["class_type"]]["size"][1] + GAP_PX
    return places
