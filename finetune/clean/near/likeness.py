"""How alike two pictures are, once a light crop has been undone.

To first order, cropping moves a picture's look along four directions: shift and stretch, across and down. What is left
of the difference of two looks beside these directions is what tells a copy from a relative: the tangent distance of
Simard, LeCun and Denker (1993), taken at the middle of the two, where the first order errs least.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from finetune.contracts import Array

SIDE, LUMA, CHROMA = 32, 12, 4  # pixels, and frequencies per direction that are kept of brightness and of colour
SIZE = LUMA**2 - 1 + 2 * CHROMA**2
# Shift in pixels of SIDE (5 % of it) and stretch (5 % off either side), across and down, and contrast: more is no light
# crop, and the difference counts in full.
MOST = np.array([1.6, 0.12, 1.6, 0.12, 0.3], np.float32)
MIN_COSINE = 0.6
_BATCH = 1024


def similarities(looks: Array, left: Array, right: Array) -> Array:
    """How similar pictures `left[i]` and `right[i]` are, as they are or mirrored.

    0 where one is not judged, or where their brightness has a cosine below MIN_COSINE, which no light crop explains.
    1 less half the squared distance beside the tangents: 1 for equal looks, and the cosine where tangents do not help.
    """
    found = [np.zeros(0, np.float32)]
    for start in range(0, len(left), _BATCH):
        one, other = (looks[side[start:start + _BATCH]].astype(np.float32) for side in (left, right))
        product, luma = one * other, LUMA**2 - 1
        plain = product.sum(1) >= product @ mirror()  # both are as long, so the nearer one has the larger product
        cosine = np.where(plain, product[:, :luma].sum(1), product[:, :luma] @ mirror()[:luma])
        near = np.flatnonzero(cosine >= MIN_COSINE)  # of blank pictures it is 0
        similar = np.zeros(len(one), np.float32)
        if len(near):
            similar[near] = _compared(one[near], np.where(plain[near, None], other[near], other[near] * mirror()))
        found.append(similar)
    return np.concatenate(found)


@functools.cache
def waves() -> Array:
    """The first rows of the orthonormal cosine transform, type II (Ahmed, Natarajan, Rao 1974), shape (LUMA, SIDE)."""
    frequency, place = np.ogrid[:LUMA, :SIDE]
    found = np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE)) * np.sqrt(2 / SIDE)
    found[0] /= np.sqrt(2)
    return np.asarray(found, np.float32)


@functools.cache
def mirror() -> Array:
    """The signs by which mirroring multiplies a look: every odd horizontal frequency turns."""
    signs = [np.where(np.arange(size) % 2, -1, 1) * np.ones((size, 1)) for size in (LUMA, CHROMA, CHROMA)]
    return np.concatenate([sign.reshape(-1) for sign in signs])[1:].astype(np.float16)


@functools.cache
def _moves() -> tuple[Array, Array]:
    """What a shift by one pixel, and a stretch about the middle, do to the frequencies of one direction."""
    frequency, place = np.ogrid[:LUMA, :SIDE]
    slopes = -np.pi * frequency / SIDE * np.sin(np.pi * frequency * (2 * place + 1) / (2 * SIDE)) * np.sqrt(2 / SIDE)
    middle = (np.arange(SIDE) - (SIDE - 1) / 2)[:, None]
    return np.asarray(waves() @ slopes.T, np.float32), np.asarray(waves() @ (middle * slopes.T), np.float32)


def _compared(one: Array, other: Array) -> Array:
    difference = other - one
    tangents = _tangents((one + other) / 2)
    products = tangents @ tangents.transpose(0, 2, 1) + 1e-6 * np.eye(5, dtype=np.float32)
    taken = np.linalg.solve(products, tangents @ difference[:, :, None])
    beside = difference - (taken.transpose(0, 2, 1) @ tangents)[:, 0]
    light = (np.abs(taken[:, :, 0]) <= MOST).all(axis=1)
    apart = np.where(light, np.square(beside).sum(1), np.square(difference).sum(1))
    return np.asarray(1 - apart / 2, np.float32)


def _tangents(looks: Array) -> Array:
    """Where a look goes when its picture is shifted and stretched across and down, and when its contrast grows."""
    ends = np.cumsum([LUMA**2, CHROMA**2])
    whole = np.concatenate([np.zeros((len(looks), 1), np.float32), looks], axis=1)  # with the mean, which is left out
    moved = []
    for plane in np.split(whole, ends, axis=1):
        size = round(plane.shape[1] ** 0.5)
        square = plane.reshape(-1, size, size)
        moves = [move[:size, :size] for move in _moves()]
        of_plane = [*(square @ move.T for move in moves), *(move @ square for move in moves), square]
        moved.append(np.stack(of_plane, axis=1).reshape(len(looks), 5, -1))
    return np.concatenate(moved, axis=2)[:, :, 1:]
