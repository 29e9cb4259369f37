"""The ranks and alphas of a LoRA to start from, held against those that are asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from dataset_tools.wording import some
from wrapper.kohya.checks.names import arguments
from wrapper.kohya.known_names import BLOCK_LISTS
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings
from wrapper.safetensors_header import Header, TensorSpec

_DEFAULT_RANK = 4
_DEFAULT_ALPHA = 1.0
_ALPHA_FORMATS = {"F32": "<f", "F16": "<e", "F64": "<d"}
_DOWN, _ALPHA = ".lora_down.weight", ".alpha"


class _Asked(NamedTuple):
    """What layers of one kind get: ``rank`` is None where they get none; the keys are what says so."""

    rank: Any
    alpha: Any
    rank_key: str
    alpha_key: str
    where: str


def check_ranks(
    train: Located, values: Mapping[str, Any], path: Path, header: Header, findings: Findings
) -> None:
    """sd-scripts v0.10.1 gives 3 × 3 convolutions ``conv_dim`` and ``conv_alpha`` of ``network_args``.

    Ranks that are given block by block are not held against the file's.
    """
    extra = arguments(values, "network_args")
    if any(name in extra for name in BLOCK_LISTS):
        findings.warn(
            train.where_key("network_args"), f"ranks given block by block are not compared with {path.name}."
        )
        return
    downs = {name.removesuffix(_DOWN): spec for name, spec in header.tensors.items() if name.endswith(_DOWN)}
    convs = {module for module, spec in downs.items() if len(spec.shape) == 4 and spec.shape[2:] != (1, 1)}
    alphas = dict(_alphas(path, header))
    for asked, modules in ((_plain(train, values), downs.keys() - convs), (_conv(train, extra), convs)):
        ranks = {downs[module].shape[0] for module in modules}
        _check_rank(asked, ranks, path, findings)
        _check_alpha(asked, {alphas[module] for module in modules if module in alphas}, path, findings)


def _plain(train: Located, values: Mapping[str, Any]) -> _Asked:
    rank = values.get("network_dim") or _DEFAULT_RANK
    alpha = values.get("network_alpha")
    alpha = _DEFAULT_ALPHA if alpha is None else alpha or rank
    return _Asked(rank, alpha, "network_dim", "network_alpha", train.where_key("network_dim"))


def _conv(train: Located, extra: Mapping[str, Any]) -> _Asked:
    where = train.where_key("network_args")
    return _Asked(
        extra.get("conv_dim"), extra.get("conv_alpha", _DEFAULT_ALPHA), "conv_dim", "conv_alpha", where
    )


def _check_rank(asked: _Asked, ranks: set[int], path: Path, findings: Findings) -> None:
    if ranks and asked.rank is None:
        text = f"{path.name} has 3 × 3 convolutions, which are not loaded without {asked.rank_key}."
        findings.error(asked.where, text, f"Set {asked.rank_key} in network_args, or dim_from_weights.")
    elif ranks and ranks != {asked.rank}:
        text = f"{path.name} has rank {some(sorted(ranks))}, but {asked.rank_key} is {asked.rank}."
        findings.error(asked.where, text, f"Use the same {asked.rank_key}, or dim_from_weights.")


def _check_alpha(asked: _Asked, found: set[float], path: Path, findings: Findings) -> None:
    """The alpha of the file is saved again, while training goes by the one asked for: they must be equal."""
    if asked.rank is None or not isinstance(asked.alpha, int | float):
        return
    if any(abs(alpha - asked.alpha) > 1e-2 for alpha in found):
        alphas = some(f"{alpha:g}" for alpha in sorted(found))
        text = f"{path.name} has alpha {alphas}, {asked.alpha_key} is {asked.alpha:g}"
        hint = f"Use the same {asked.alpha_key}, or dim_from_weights."
        findings.error(asked.where, f"{text}: the saved LoRA would be off.", hint)


def _alphas(path: Path, header: Header) -> Iterator[tuple[str, float]]:
    """Each module's alpha, where it is one number."""
    with path.open("rb") as stream:
        for name, spec in header.tensors.items():
            if name.endswith(_ALPHA):
                value = _scalar(stream, header.data_start, spec)
                if value is not None:
                    yield name.removesuffix(_ALPHA), value


def _scalar(stream: BinaryIO, data_start: int, spec: TensorSpec) -> float | None:
    stream.seek(data_start + spec.begin)
    raw = stream.read(spec.end - spec.begin)
    if spec.dtype == "BF16" and len(raw) == 2:
        return float(struct.unpack("<f", b"\0\0" + raw)[0])
    layout = _ALPHA_FORMATS.get(spec.dtype)
    return float(struct.unpack(layout, raw)[0]) if layout and len(raw) == struct.calcsize(layout) else None
