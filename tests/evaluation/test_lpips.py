"""LPIPS on random weights against the definition, written out layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dataset_tools.errors import UserError
from wrapper.evaluation.measures.lpips import load_lpips

ALEX_PARTS = [
    nn.Conv2d(3, 64, 11, 4, 2),
    nn.ReLU(),
    nn.MaxPool2d(3, 2),
    nn.Conv2d(64, 192, 5, 1, 2),
    nn.ReLU(),
    nn.MaxPool2d(3, 2),
    nn.Conv2d(192, 384, 3, 1, 1),
    nn.ReLU(),
    nn.Conv2d(384, 256, 3, 1, 1),
    nn.ReLU(),
    nn.Conv2d(256, 256, 3, 1, 1),
    nn.ReLU(),
]
ALEX_TAPS, ALEX_CHANNELS = (1, 4, 7, 9, 11), (64, 192, 384, 256, 256)
VGG_WIDTHS = ((8, 8), (8, 8), (12, 12, 12), (12, 12, 12), (16, 16, 16))


def vgg_parts():
    """VGG16's order of layers, narrow."""
    parts, taps, before = [], [], 3
    for number, widths in enumerate(VGG_WIDTHS):
        parts += [nn.MaxPool2d(2, 2)] if number else []
        for width in widths:
            parts += [nn.Conv2d(before, width, 3, 1, 1), nn.ReLU()]
            before = width
        taps.append(len(parts) - 1)
    return parts, tuple(taps), tuple(widths[-1] for widths in VGG_WIDTHS)


@pytest.fixture(params=["alex", "vgg"])
def network(request):
    torch.manual_seed(4)
    parts, taps, channels = (ALEX_PARTS, ALEX_TAPS, ALEX_CHANNELS) if request.param == "alex" else vgg_parts()
    return nn.Sequential(*parts), taps, [torch.rand(1, count, 1, 1) for count in channels]


def reference(network, picture, truth):
    """Zhang et al. 2018, eq. 1, without its mean over places."""
    features, taps, heads = network
    shift, scale = torch.tensor([-0.03, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.45])
    total = torch.zeros(picture.shape[:2])
    a, b = (
        (((torch.tensor(array) / 255 * 2 - 1) - shift) / scale).permute(2, 0, 1)[None]
        for array in (picture, truth)
    )
    with torch.no_grad():
        for place, layer in enumerate(features):
            a, b = layer(a), layer(b)
            if place in taps:
                head = heads[taps.index(place)]
                unit = [x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10) for x in (a, b)]
                distance = (head * (unit[0] - unit[1]).square()).sum(1, keepdim=True)
                total += nn.Upsample(picture.shape[:2], mode="bilinear", align_corners=False)(distance)[0, 0]
    return total.numpy()


def write(folder, network):
    """The two files that people have: the network's, and the heads'."""
    features, _, heads = network
    folder.mkdir(exist_ok=True)
    torch.save(
        {f"features.{name}": value for name, value in features.state_dict().items()}, folder / "сеть 1.pth"
    )
    save_file({f"lin{n}.model.1.weight": head for n, head in enumerate(heads)}, folder / "heads.safetensors")
    return [folder / "сеть 1.pth", folder / "heads.safetensors"]


@pytest.fixture
def pair():
    random = np.random.default_rng(0)
    truth = random.integers(0, 256, (64, 72, 3)).astype(np.uint8)
    picture = truth.copy()
    picture[20:40, 30:60] = random.integers(0, 256, (20, 30, 3))
    mask = np.zeros((64, 72), bool)
    mask[20:40, 30:60] = True
    return picture, truth, mask


def test_the_map_is_the_definitions(tmp_path, network, pair):
    picture, truth, mask = pair
    lpips, expected = load_lpips(write(tmp_path / "w", network)), reference(network, picture, truth)
    assert np.allclose(lpips.map(picture, truth), expected, atol=1e-5)
    assert lpips.masked(picture, truth, mask) == pytest.approx(expected[mask].mean(), rel=1e-4)
    assert lpips.masked(truth, truth, mask) == 0


def test_one_file_with_everything_is_the_same(tmp_path, network, pair):
    picture, truth, _ = pair
    features, taps, heads = network
    names = {}
    for name, value in features.state_dict().items():
        place = int(name.split(".")[0])
        names[f"net.slice{1 + sum(place > tap for tap in taps)}.{name}"] = value
    names |= {f"lin{n}.model.1.weight": head for n, head in enumerate(heads)}
    names["scaling_layer.shift"] = torch.zeros(1, 3, 1, 1)
    save_file(names, tmp_path / "lpips.safetensors")
    two, one = load_lpips(write(tmp_path / "w", network)), load_lpips([tmp_path / "lpips.safetensors"])
    assert np.array_equal(one.map(picture, truth), two.map(picture, truth))


def test_files_that_are_not_whole_are_named(tmp_path, network):
    whole, heads = write(tmp_path / "w", network)
    with pytest.raises(UserError, match="five heads"):
        load_lpips([whole])
    with pytest.raises(UserError, match="the network's layers 0"):
        load_lpips([heads])
    with pytest.raises(UserError, match="no such file"):
        load_lpips([tmp_path / "gone.pth"])


def test_heads_of_another_network_are_refused(tmp_path, network):
    features, taps, heads = network
    with pytest.raises(UserError, match="not this network's"):
        load_lpips(write(tmp_path / "w", (features, taps, [heads[-1].clone(), *heads[1:]])))


class Nasty:
    def __reduce__(self):
        return (open, ("/dev/null",))


@pytest.mark.parametrize("content", [{"a": Nasty()}, [1, 2]], ids=["code", "a list"])
def test_a_pickle_with_anything_but_tensors_is_refused_and_not_run(tmp_path, content):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(UserError, match="not a file of tensors"):
        load_lpips([tmp_path / "x.pth"])


def test_rubbish_is_refused(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"rubbish")
    with pytest.raises(UserError, match="not a file of tensors"):
        load_lpips([tmp_path / "x.pth"])


def test_a_picture_too_small_for_the_network_is_refused(tmp_path, network):
    tiny = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(UserError, match="too small"):
        load_lpips(write(tmp_path / "w", network)).map(tiny, tiny)
