"""A face-embedding network in an ONNX file, made by hand: its embedding is the picture's mean colour.

Only what ONNX's protobuf schema needs for two nodes: fields are (number << 3 | wire type), then the value.
"""

from __future__ import annotations

from pathlib import Path

FLOAT = 1


def write_mean_colour(path: Path, side: int = 112) -> Path:
    """Write GlobalAveragePool → Flatten on ``x`` [1, 3, side, side] to ``path``."""
    nodes = [node("GlobalAveragePool", "x", "pooled"), node("Flatten", "pooled", "embedding")]
    graph = b"".join(field(1, one) for one in nodes) + text(2, "mean colour")
    graph += field(11, value("x", (1, 3, side, side))) + field(12, value("embedding", (1, 3)))
    model = number(1, 7) + field(8, text(1, "") + number(2, 11)) + field(7, graph)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model)
    return path


def node(kind: str, source: str, target: str) -> bytes:
    return text(1, source) + text(2, target) + text(3, f"{kind} of {source}") + text(4, kind)


def value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(field(1, number(1, one)) for one in shape)
    return text(1, name) + field(2, field(1, number(1, FLOAT) + field(2, dims)))


def field(place: int, content: bytes) -> bytes:
    return varint(place << 3 | 2) + varint(len(content)) + content


def text(place: int, content: str) -> bytes:
    return field(place, content.encode())


def number(place: int, content: int) -> bytes:
    return varint(place << 3) + varint(content)


def varint(content: int) -> bytes:
    found = bytearray()
    while content > 0x7F:
        found.append(content & 0x7F | 0x80)
        content >>= 7
    return bytes([*found, content])
