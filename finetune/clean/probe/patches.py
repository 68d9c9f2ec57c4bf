"""Features of pictures that need no pretrained weights: how well small patches of them answer to learnt filters.

Coates, Ng and Lee, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning" (2011), with spherical
k-means and two-sided rectification (Coates and Ng 2012). Random convolutions and histograms of gradients and colours
knew less of a picture (docs/log.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

SIDE = 32  # pixels of every picture
PATCH, STRIDE = 6, 2
NUM_FILTERS, NUM_PATCHES, ROUNDS = 200, 20_000, 5
NUM_PICTURES = 2_000  # whose answers say along which axes pictures differ
CONTRAST, WHITENING, THRESHOLD = 10.0, 0.1, 0.5  # added to a patch's variance (of 0..255) and to eigenvalues; rectifier
WIDTH = 256  # principal components that are kept
BLOCK = 64


@dataclass(frozen=True, slots=True)
class Filters:
    """What was learnt from the patches of some pictures."""

    bank: Array  # (patch, filters), whitening included
    shift: Array  # (filters): what the mean patch answers
    mean: Array
    axes: Array

    def features(self, pixels_NHWC: Array) -> Array:
        """(N, up to WIDTH) float32 of pictures of SIDE x SIDE pixels with values 0 to 255."""
        found: Array = (self._answers(pixels_NHWC) - self.mean) @ self.axes
        return found

    def _answers(self, pixels_NHWC: Array) -> Array:
        """Mean answer of every filter, and of its opposite, in each quarter of the picture."""
        return np.concatenate([self._block(pixels_NHWC[start : start + BLOCK])
                               for start in range(0, len(pixels_NHWC), BLOCK)])

    def _block(self, pixels_NHWC: Array) -> Array:
        patches_BYXP = _patches(pixels_NHWC, STRIDE)
        mean, scale = _contrast(patches_BYXP)
        # (patch - mean) / scale through the filters, without writing the patch down anew.
        answers = (patches_BYXP @ self.bank - mean * self.bank.sum(axis=0)) / scale - self.shift
        both = np.concatenate([np.maximum(answers - THRESHOLD, 0), np.maximum(-answers - THRESHOLD, 0)], axis=-1)
        half = both.shape[1] // 2
        quarters = both.reshape(len(both), 2, half, 2, half, -1).mean(axis=(2, 4))
        pooled: Array = quarters.reshape(len(both), -1)
        return pooled


def learn(pixels_NHWC: Array, *, seed: int) -> Filters:
    """Filters of random patches of pictures, (N, SIDE, SIDE, 3), and the axes along which their answers differ."""
    random = np.random.default_rng(seed)
    patches = _whole(pixels_NHWC, random)
    mean, scale = _contrast(patches)
    patches = (patches - mean) / scale
    middle = patches.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    whiten = (vectors / np.sqrt(np.maximum(values, 0) + WHITENING)) @ vectors.T
    bank = (whiten @ _directions((patches - middle) @ whiten, random).T).astype(np.float32)
    nothing = np.zeros(0, dtype=np.float32)
    raw = Filters(bank, (middle @ bank).astype(np.float32), nothing, nothing)
    answers = raw._answers(random.permutation(pixels_NHWC)[:NUM_PICTURES])
    mean, spread = answers.mean(axis=0), answers.std(axis=0) + 1e-6
    scaled = (answers - mean) / spread
    _, axes = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    return Filters(bank, raw.shift, mean, (axes[:, ::-1][:, :WIDTH] / spread[:, None]).astype(np.float32))


def _whole(pixels_NHWC: Array, random: np.random.Generator) -> Array:
    """Patches at random places of random pictures, one a row."""
    which = random.integers(0, len(pixels_NHWC), NUM_PATCHES)
    down, across = random.integers(0, SIDE - PATCH + 1, (2, NUM_PATCHES))
    steps = np.arange(PATCH)
    found = pixels_NHWC[which[:, None, None], (down[:, None] + steps)[:, :, None], (across[:, None] + steps)[:, None]]
    patches: Array = found.reshape(NUM_PATCHES, -1).astype(np.float32)
    return patches


def _patches(pixels_NHWC: Array, stride: int) -> Array:
    from numpy.lib.stride_tricks import sliding_window_view

    windows = sliding_window_view(pixels_NHWC, (PATCH, PATCH), axis=(1, 2))[:, ::stride, ::stride]
    windows = windows.transpose(0, 1, 2, 4, 5, 3)
    found: Array = windows.reshape(*windows.shape[:3], -1).astype(np.float32)
    return found


def _contrast(patches: Array) -> tuple[Array, Array]:
    mean = patches.mean(axis=-1, keepdims=True)
    square = np.einsum("...p,...p->...", patches, patches)[..., None] / patches.shape[-1]
    return mean, np.sqrt(np.maximum(square - mean**2, 0) + CONTRAST)


def _directions(patches: Array, random: np.random.Generator) -> Array:
    """Spherical k-means: unit vectors, each the mean direction, or its opposite, of the patches nearest to it."""
    centres = patches[random.permutation(len(patches))[:NUM_FILTERS]]
    for _ in range(ROUNDS):
        centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        answers = patches @ centres.T
        nearest = abs(answers).argmax(axis=1)
        chosen = np.zeros_like(answers)
        chosen[np.arange(len(patches)), nearest] = answers[np.arange(len(patches)), nearest]
        centres = chosen.T @ patches + 1e-3 * random.normal(size=centres.shape)
    found: Array = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    return found
