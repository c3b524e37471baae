"""Voxels added up into blocks, scans and pixels in one go, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from fitting.dataset import FloatArray


@njit(cache=True, nogil=True)
def add_voxels(
    counts: FloatArray, channels: np.ndarray, start: int, plane: np.ndarray, steps: np.ndarray, number: np.ndarray,
    blocks: FloatArray, scans: FloatArray, pixels: FloatArray,
) -> None:
    """Add spectra of consecutive voxels to what they belong to.

    Parameters
    ----------
    counts : array, shape (p, all channels)
        Of the voxels start, start + 1, ...
    channels : array of int, shape (n,)
    plane, steps, number : array of int, shape (2,), (3,), (3,)
        Rows and columns of a scan; scans, rows and columns of a block; how many blocks there are along each.
    blocks, scans, pixels : array, shape (blocks, n), (scans, n), (rows x columns, n)
        Added to.
    """
    area = plane[0] * plane[1]
    for i in range(counts.shape[0]):
        scan, pixel = (start + i) // area, (start + i) % area
        line, column = pixel // plane[1], pixel % plane[1]
        block = (scan // steps[0] * number[1] + line // steps[1]) * number[2] + column // steps[2]
        for j in range(channels.size):
            value = counts[i, channels[j]]
            blocks[block, j] += value
            scans[scan, j] += value
            pixels[pixel, j] += value
