"""The tracking network: where the annotated objects are in a frame, given where they were.

Three kinds of evidence meet in its decoder. *Appearance*: what an encoder sees. *Matching*: how alike each
place is to object and background of the annotated frames and of the last frame (as FEELVOS, Voigtlaender et
al., CVPR 2019). *Propagation*: the last frame's mask, moved along the optical flow (as MaskTrack, Perazzi et
al., CVPR 2017). Training leaves out each of the last two now and then, so that the network does without:
an object that was lost is found again by matching alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.encoders import STRIDE, Residual, encoder

KEY_CHANNELS: Final = 64
MATCHES: Final = 3
"""Maps of each memory: how like the object, how like the background, and the share of object among the alike."""

WIDTHS: Final = (16, 32, 64, 128)
"""Channels of the decoder at strides 2, 4, 8 and 16."""


@dataclass(frozen=True)
class Memory:
    """Places seen before: keys (N, C, M) of unit length, and each object's share of them, (N, K, M)."""

    keys: Tensor
    shares: Tensor

    @staticmethod
    def of_all(memories: Sequence["Memory"]) -> "Memory":
        """The places of all of them, which hold the same objects."""
        keys, shares = zip(*((memory.keys, memory.shares) for memory in memories), strict=True)
        return Memory(torch.cat(keys, 2), torch.cat(shares, 2))


class Tracker(nn.Module):
    """Encoder, keys and decoder. Its parts are called one by one, since an encoded frame is used often."""

    def __init__(self, encoder_name: str) -> None:
        super().__init__()
        self.encoder_name = encoder_name
        self.encoder = encoder(encoder_name)
        widths = self.encoder.widths
        self.key = nn.Conv2d(widths[3], KEY_CHANNELS, 1)
        self.sharpness = nn.Parameter(torch.tensor(3.0))
        self.lateral = nn.ModuleList(
            nn.Conv2d(seen, channels, 1) for seen, channels in zip(widths, WIDTHS, strict=True)
        )
        evidence = (0, 1, 1, 1 + 2 * MATCHES)
        coarser = (*WIDTHS[1:], 0)
        self.blocks = nn.ModuleList(
            Residual(WIDTHS[level] + evidence[level] + coarser[level], WIDTHS[level]) for level in range(4)
        )
        self.context = nn.Sequential(Residual(WIDTHS[3], WIDTHS[3]))
        self.head = nn.Conv2d(WIDTHS[0], 1, 3, padding=1)
        nn.init.constant_(self.get_parameter("head.bias"), -2.0)

    def encode(self, images: Tensor) -> list[Tensor]:
        """The encoder's maps of RGB pictures (N, 3, H, W), 0–255, whose sides are multiples of 16."""
        return list(self.encoder(images))

    def keys(self, maps: list[Tensor]) -> Tensor:
        """What each place is compared by: (N, C, H/16 · W/16), of unit length."""
        return F.normalize(self.key(maps[3]).flatten(2).float(), dim=1)

    def remember(self, maps: list[Tensor], masks: Tensor) -> Memory:
        """A memory of encoded pictures and their masks (N, K, H, W), 0–1."""
        return Memory(self.keys(maps), F.avg_pool2d(masks, STRIDE).flatten(2))

    def decode(
        self, maps: list[Tensor], annotated: Memory | None, recent: Memory | None, prior: Tensor
    ) -> Tensor:
        """Logits (N, K, H, W) of each object.

        `prior` (N, K, H, W), 0–1, is where each object is expected; zeros where nothing is known. A memory
        that is None says nothing.
        """
        pictures, objects = prior.shape[:2]
        keys = self.keys(maps)
        coarse = maps[3].shape[-2:]
        matches = [self._match(keys, memory, objects, coarse) for memory in (annotated, recent)]
        each = prior.reshape(pictures * objects, 1, *prior.shape[-2:])
        lateral = [_for_each(objects, layer(seen)) for layer, seen in zip(self.lateral, maps, strict=True)]
        found = self.blocks[3](torch.cat((lateral[3], F.avg_pool2d(each, 16), *matches), 1))
        found = self.context(found)
        found = self.blocks[2](torch.cat((lateral[2], F.avg_pool2d(each, 8), _doubled(found)), 1))
        found = self.blocks[1](torch.cat((lateral[1], F.avg_pool2d(each, 4), _doubled(found)), 1))
        found = self.blocks[0](torch.cat((lateral[0], _doubled(found)), 1))
        return _doubled(self.head(found).float()).reshape(prior.shape)

    def _match(self, keys: Tensor, memory: Memory | None, objects: int, size: torch.Size) -> Tensor:
        """The maps (N·K, MATCHES, h, w) of how alike each place is to what a memory holds."""
        pictures = len(keys)
        if memory is None:
            return keys.new_zeros(pictures * objects, MATCHES, *size)
        alike = torch.einsum("ncp,ncm->npm", keys, memory.keys.expand(pictures, -1, -1))
        weights = (alike * self.sharpness.exp()).softmax(2)
        shares = memory.shares.expand(pictures, -1, -1)
        # a place of the picture's coarsest map may show several things: the purest place of a small object is pure
        pure = shares / shares.amax(2, keepdim=True).clamp(min=0.05)
        read = torch.einsum("npm,nkm->nkp", weights, shares)
        found = []
        for k in range(objects):
            of_object = (alike - 2 * (1 - pure[:, k, None])).amax(2)
            of_rest = (alike - 2 * shares[:, k, None]).amax(2)
            found.append(torch.stack((of_object, of_rest, read[:, k]), 1))
        return torch.stack(found, 1).reshape(pictures * objects, MATCHES, *size).clamp(min=-1)


def _for_each(objects: int, maps: Tensor) -> Tensor:
    """Maps (N, C, h, w) once for each object: (N·K, C, h, w)."""
    return maps if objects == 1 else maps.repeat_interleave(objects, 0)


def _doubled(maps: Tensor) -> Tensor:
    """Maps at half the stride."""
    return F.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)
