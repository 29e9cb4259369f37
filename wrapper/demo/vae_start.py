"""A head start for a small AutoencoderKL: the encoder begins as a patch PCA, the decoder as enlargement.

It works because every residual block starts as the identity (its last convolution is zero), and because the
closing GroupNorm + SiLU of each half is made linear: two constant channels of opposite sign dominate the
norm's statistics, and a bias moves SiLU to its straight part. The norm must therefore run over all channels
(norm_num_groups = 1).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

CONSTANT = 10.0
"""The value of the two constant channels."""
SHIFT = 8.0
"""The bias that moves SiLU to where it is a straight line."""
QUIET = 0.3
"""What is left of the random weights that do not carry the start."""
LOG_VARIANCE = -6.0
"""The posterior's log variance at the start: small, so that the code is not drowned."""


@torch.no_grad()
def start_from_patches(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Set the weights of `vae` from `pictures` (N, 3, H, W) in -1..1."""
    codes = _start_encoder(vae, pictures)
    _identity_1x1(vae.quant_conv)
    _identity_1x1(vae.post_quant_conv)
    _start_decoder(vae, codes, pictures)


def _start_encoder(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Make the encoder compute a hierarchical PCA of 2 x 2 patches; returns its codes (N, L, h, w)."""
    encoder, latent_channels = vae.encoder, vae.config.latent_channels
    encoder.conv_in.weight *= QUIET
    _pass_through(encoder.conv_in, 3)
    codes = pictures
    for index, block in enumerate(encoder.down_blocks):
        _identity_blocks(block.resnets, codes.shape[1])
        if block.downsamplers is not None:
            last = index == len(encoder.down_blocks) - 2
            codes = _start_downsampler(block.downsamplers[0].conv, codes, latent_channels if last else None)
    _identity_blocks(encoder.mid_block.resnets, latent_channels)
    _constant_channels(encoder.mid_block.resnets[-1])
    to_moments = torch.zeros(2 * latent_channels, latent_channels)
    to_moments[:latent_channels] = torch.eye(latent_channels)
    _linear_end(encoder.conv_norm_out, encoder.conv_out, to_moments, torch.zeros(2 * latent_channels))
    encoder.conv_out.weight[latent_channels:] = 0
    encoder.conv_out.bias[latent_channels:] = LOG_VARIANCE
    return codes


def _start_decoder(vae: AutoencoderKL, codes: Tensor, pictures: Tensor) -> None:
    """Make the decoder enlarge the codes smoothly and map them to colours by least squares."""
    decoder, channels = vae.decoder, codes.shape[1]
    _pass_through(decoder.conv_in, channels)
    _identity_blocks(decoder.mid_block.resnets, channels)
    binomial = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    for block in decoder.up_blocks:
        _identity_blocks(block.resnets, channels)
        if block.upsamplers is not None:
            _pass_through(block.upsamplers[0].conv, channels, binomial)
    _constant_channels(decoder.up_blocks[-1].resnets[-1])
    enlarged = F.interpolate(codes, pictures.shape[-2:], mode="bilinear")
    rows = torch.cat([enlarged, torch.ones_like(enlarged[:, :1])], 1).permute(0, 2, 3, 1).flatten(0, 2)
    colours = pictures.permute(0, 2, 3, 1).flatten(0, 2)
    solution = torch.linalg.lstsq(rows, colours).solution
    _linear_end(decoder.conv_norm_out, decoder.conv_out, solution[:channels].T, solution[channels])


def _start_downsampler(conv: nn.Conv2d, codes: Tensor, latent_channels: int | None) -> Tensor:
    """Let `conv` (stride 2) project 2 x 2 patches on their principal axes; returns the projected codes."""
    count, channels, height, width = codes.shape
    patches = F.unfold(codes, 2, stride=2).permute(0, 2, 1).flatten(0, 1)
    mean = patches.mean(0)
    variances, axes = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    kept = latent_channels or min(4 * channels, conv.out_channels - 2)
    axes, variances = axes.flip(1)[:, :kept], variances.flip(0)[:kept].clamp_min(1e-8)
    if latent_channels:
        axes = axes / variances.sqrt().mean()
    conv.weight *= QUIET
    conv.weight[:kept] = 0
    conv.weight[:kept, :channels, :2, :2] = axes.T.reshape(kept, channels, 2, 2)
    conv.bias.zero_()
    conv.bias[:kept] = -(mean @ axes)
    projected = ((patches - mean) @ axes).reshape(count, height // 2, width // 2, kept)
    return projected.permute(0, 3, 1, 2).contiguous()


def _pass_through(conv: nn.Conv2d, channels: int, kernel: Tensor | None = None) -> None:
    """Copy the first `channels` channels, each filtered with `kernel` (3, 3) or unchanged."""
    conv.weight[:channels] = 0
    conv.bias.zero_()
    for channel in range(channels):
        if kernel is None:
            conv.weight[channel, channel, 1, 1] = 1
        else:
            conv.weight[channel, channel] = kernel


def _identity_blocks(blocks: nn.ModuleList, channels: int) -> None:
    """Let each residual block hand its first `channels` channels on unchanged."""
    for block in blocks:
        block.conv2.weight.zero_()
        block.conv2.bias.zero_()
        if block.conv_shortcut is not None:
            shortcut = block.conv_shortcut
            shortcut.bias.zero_()
            shortcut.weight *= QUIET
            shortcut.weight[:channels] = 0
            for channel in range(channels):
                shortcut.weight[channel, channel] = 1


def _identity_1x1(conv: nn.Conv2d) -> None:
    conv.weight.copy_(torch.eye(conv.out_channels)[:, :, None, None])
    conv.bias.zero_()


def _constant_channels(block: nn.Module) -> None:
    """Let the last two channels of `block` carry +CONSTANT and -CONSTANT."""
    block.conv2.bias[-2] = CONSTANT
    block.conv2.bias[-1] = -CONSTANT


def _linear_end(norm: nn.GroupNorm, conv: nn.Conv2d, matrix: Tensor, bias: Tensor) -> None:
    """Make conv(SiLU(norm(x))) close to matrix @ x + bias on the first channels of x."""
    channels = matrix.shape[1]
    norm.weight.fill_(1.0)
    norm.bias.zero_()
    norm.weight[:channels] = (2 * CONSTANT**2 / norm.num_channels) ** 0.5
    norm.bias[:channels] = SHIFT
    conv.weight *= 0.02
    conv.weight[:, :channels] = 0
    conv.weight[:, :channels, 1, 1] = matrix
    conv.bias.copy_(bias - SHIFT * matrix.sum(1))
