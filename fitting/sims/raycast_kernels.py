"""Machine code of the ray caster: rays through planes of voxels, bands of rows at a time.

All rays are parallel. The axis of the volume that they follow most closely is its first one here (the caller turns the
volume), and every ray is sampled once in each plane of that axis: sample `k` of a ray lies at (k, q0 + k dq, r0 + k dr)
in units of voxels, whole numbers being the middles of voxels. Between the voxels of a plane values are interpolated
linearly; half a voxel beyond the outermost middles they stay as they are.

Blocks of 8 x 8 x 8 voxels whose largest value cannot change the pixel are passed over (M. Levoy, ACM Trans. Graph. 9,
245 (1990): empty space and early end of rays), so that the pictures are the same as without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from fitting.sims.raycast_rays import BLOCK

Array = NDArray[Any]

# Sums may be rounded in another order; numbers that are not finite keep their meaning.
OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"nsz", "arcp", "contract", "reassoc"}}


@njit(**OPTIONS)
def _point(values: Array, wide: int, at: int, q: float, r: float) -> float:
    """Value between four voxels of a plane that begins at `at`; q and r count from the margin."""
    qi, ri = np.uint32(q), np.uint32(r)
    fq, fr = np.float32(q) - np.float32(qi), np.float32(r) - np.float32(ri)
    corner = at + qi * wide + ri
    a, b = np.float32(values[corner]), np.float32(values[corner + np.uint32(1)])
    c, d = np.float32(values[corner + wide]), np.float32(values[corner + wide + np.uint32(1)])
    top, low = a + fr * (b - a), c + fr * (d - c)
    return top + fq * (low - top)


@njit(**OPTIONS)
def _space(volume: Array, k: float, q: float, r: float) -> float:
    """Value at any point, linear between eight voxels, as the outermost ones beyond them."""
    n0, n1, n2 = volume.shape
    k = min(max(k, 0.0), n0 - 1.0)
    q, r = min(max(q + 1.0, 0.5), n1 - 2.5), min(max(r + 1.0, 0.5), n2 - 2.5)
    ki = min(int(k), n0 - 2)
    flat, wide, plane = volume.reshape(-1), np.uint32(n2), np.uint32(n1 * n2)
    near = _point(flat, wide, np.uint32(ki) * plane, q, r)
    far = _point(flat, wide, np.uint32(ki + 1) * plane, q, r)
    return near + np.float32(k - ki) * (far - near)


@njit(**OPTIONS)
def _span(q0: float, dq: float, low: float, high: float, first: float, last: float) -> tuple[float, float]:
    """The part of first..last (real numbers) in which low <= q0 + k dq <= high."""
    if dq > 1e-12:
        return max(first, (low - q0) / dq), min(last, (high - q0) / dq)
    if dq < -1e-12:
        return max(first, (high - q0) / dq), min(last, (low - q0) / dq)
    if q0 < low or q0 > high:
        return 1.0, 0.0
    return first, last


@njit(**OPTIONS)
def _crossing(rays: FloatArray, i: int, j: int, box: FloatArray) -> tuple[float, float, float, float]:
    """A ray's q0 and r0, and where it runs through the box: first and last k as real numbers."""
    q0 = rays[0] + j * rays[1] + i * rays[2]
    r0 = rays[3] + j * rays[4] + i * rays[5]
    first, last = _span(q0, rays[6], box[1, 0], box[1, 1], box[0, 0], box[0, 1])
    first, last = _span(r0, rays[7], box[2, 0], box[2, 1], first, last)
    return q0, r0, first, last


@njit(**OPTIONS)
def _planes(first: float, last: float, count: int) -> tuple[int, int]:
    """The planes that a ray meets inside the box; the nearest one for a ray through a corner that meets none."""
    low, high = int(np.ceil(first)), int(np.floor(last))
    if low > high:
        low = high = int(np.floor(0.5 * (first + last) + 0.5))
    return min(max(low, 0), count - 1), max(min(high, count - 1), 0)


@njit(**OPTIONS)
def _highest(blocks: Array, kb: int, q0: float, q1: float, r0: float, r1: float) -> float:
    """The largest value of the blocks that a piece of a ray runs through."""
    nq, nr = blocks.shape[1] - 1, blocks.shape[2] - 1
    qa, qb = min(q0, q1), max(q0, q1)
    ra, rb = min(r0, r1), max(r0, r1)
    qi, qj = min(max(int(qa), 0) // BLOCK, nq), min(max(int(qb), 0) // BLOCK, nq)
    ri, rj = min(max(int(ra), 0) // BLOCK, nr), min(max(int(rb), 0) // BLOCK, nr)
    top = blocks[kb, qi, ri]
    if qj != qi:
        top = max(top, blocks[kb, qj, ri])
    if rj != ri:
        top = max(top, blocks[kb, qi, rj])
        if qj != qi:
            top = max(top, blocks[kb, qj, rj])
    return top


@njit(**OPTIONS)
def largest(
    volume: Array, blocks: Array, out: Array, begin: int, end: int, rays: FloatArray, box: FloatArray, forward: int,
    most: float,
) -> None:
    """The largest value on every ray, for rows begin to end of the picture; NaN where it misses the box.

    `volume` has a margin of one voxel before and two behind along its second and third axis. `rays` : q0 and r0 at the
    middle of pixel (0, 0), each with its steps a column and a row, dq, dr: shape (8,). `most` : at which value a ray
    may end.
    """
    dq, dr, planes = rays[6], rays[7], volume.shape[0]
    flat, wide, plane = volume.reshape(-1), np.uint32(volume.shape[2]), np.uint32(volume.shape[1] * volume.shape[2])
    for i in range(begin, end):
        for j in range(out.shape[1]):
            q0, r0, first, last = _crossing(rays, i, j, box)
            if first > last:
                out[i, j] = np.nan
                continue
            low, high = _planes(first, last, planes)
            best = np.float32(-np.inf)
            k = low if forward > 0 else high
            while low <= k <= high and best < most:
                kb = k // BLOCK
                edge = min(kb * BLOCK + BLOCK - 1, high) if forward > 0 else max(kb * BLOCK, low)
                if _highest(blocks, kb, q0 + k * dq, q0 + edge * dq, r0 + k * dr, r0 + edge * dr) > best:
                    a = min(k, edge)
                    q, r, at = np.float32(q0 + a * dq + 1.0), np.float32(r0 + a * dr + 1.0), np.uint32(a) * plane
                    for _ in range(abs(edge - k) + 1):
                        best = max(best, _point(flat, wide, at, q, r))
                        q, r, at = q + np.float32(dq), r + np.float32(dr), at + plane
                k = edge + forward
            out[i, j] = best


@njit(**OPTIONS)
def surface(
    volume: Array, blocks: Array, shade: Array, depth: Array, begin: int, end: int, rays: FloatArray,
    box: FloatArray, forward: int, level: float, view: FloatArray, size: FloatArray,
) -> None:
    """The first point on every ray where the value reaches a level: brightness and depth, for rows begin to end.

    Where the ray comes into the box above the level, the face of the box is shown as a cut. NaN where there is none.
    `view` : direction of sight in units of length; `size` : of a voxel, both in the order of the volume's axes.
    """
    dq, dr = rays[6], rays[7]
    for i in range(begin, end):
        for j in range(shade.shape[1]):
            shade[i, j] = np.nan
            depth[i, j] = np.inf
            q0, r0, first, last = _crossing(rays, i, j, box)
            if first > last:
                continue
            low, high = _planes(first, last, volume.shape[0])
            start, entry = (low, first) if forward > 0 else (high, last)
            k, value = _reached(volume, blocks, q0, r0, dq, dr, low, high, start, forward, level)
            back, before, hit = entry, np.float32(-np.inf), entry
            if k < 0 or k == start or _highest(blocks, start // BLOCK, q0 + entry * dq, q0 + start * dq,
                                               r0 + entry * dr, r0 + start * dr) >= level:
                before = _space(volume, entry, q0 + entry * dq, r0 + entry * dr)
            if before >= level:  # the ray comes in above the level
                shade[i, j] = _cut_light(hit, q0 + hit * dq, r0 + hit * dr, box, view)
            elif k >= 0:
                if k != start:
                    back = float(k - forward)
                    before = _space(volume, back, q0 + back * dq, r0 + back * dr)
                hit = back + (k - back) * (level - before) / (value - before) if value > before else float(k)
                shade[i, j] = _light(volume, hit, q0 + hit * dq, r0 + hit * dr, view, size)
            else:
                continue
            depth[i, j] = forward * hit


@njit(**OPTIONS)
def _reached(
    volume: Array, blocks: Array, q0: float, r0: float, dq: float, dr: float, low: int, high: int, start: int,
    forward: int, level: float,
) -> tuple[int, float]:
    """The first plane in which a ray is at or above a level, and its value there; -1 for none."""
    flat, wide, plane = volume.reshape(-1), np.uint32(volume.shape[2]), np.uint32(volume.shape[1] * volume.shape[2])
    k = start
    while low <= k <= high:
        kb = k // BLOCK
        edge = min(kb * BLOCK + BLOCK - 1, high) if forward > 0 else max(kb * BLOCK, low)
        if _highest(blocks, kb, q0 + k * dq, q0 + edge * dq, r0 + k * dr, r0 + edge * dr) >= level:
            while True:
                value = _point(flat, wide, np.uint32(k) * plane, q0 + k * dq + 1.0, r0 + k * dr + 1.0)
                if value >= level:
                    return k, value
                if k == edge:
                    break
                k += forward
        k = edge + forward
    return -1, np.float32(0.0)


@njit(**OPTIONS)
def _cut_light(k: float, q: float, r: float, box: FloatArray, view: FloatArray) -> float:
    """Brightness of a face of the box: that on which the point lies."""
    best, axis = np.inf, 0
    for a in range(3):
        at = k if a == 0 else q if a == 1 else r
        away = min(abs(at - box[a, 0]), abs(at - box[a, 1]))
        if away < best:
            best, axis = away, a
    return np.float32(0.45 + 0.5 * abs(view[axis]))


@njit(**OPTIONS)
def _light(volume: Array, k: float, q: float, r: float, view: FloatArray, size: FloatArray) -> float:
    """Brightness of a surface: the light comes from the eye (Lambert), with a small highlight."""
    # One call in a loop, since every call is compiled in its place.
    length, facing = 0.0, 0.0
    for a in range(3):
        dk, dq, dr = 1.0 if a == 0 else 0.0, 1.0 if a == 1 else 0.0, 1.0 if a == 2 else 0.0
        slope = 0.0
        for sense in (-1.0, 1.0):
            slope += sense * _space(volume, k + sense * dk, q + sense * dq, r + sense * dr)
        slope /= size[a]
        length += slope * slope
        facing += slope * view[a]
    if length == 0:
        return np.float32(0.6)
    facing = abs(facing) / np.sqrt(length)
    return np.float32(0.4 + 0.5 * facing + 0.1 * facing**16)


@njit(**OPTIONS)
def sections(
    volumes: Array, out: Array, plane: Array, begin: int, end: int, at: FloatArray, across: FloatArray,
    down: FloatArray, view: FloatArray, box: FloatArray, cuts: FloatArray,
) -> None:
    """The nearest of three planes on every ray: the voxel's value of every volume and the plane's axis, -1 for none.

    `at` : grid place (middles of voxels at whole numbers) of pixel (0, 0); `across`, `down` : its steps a column and a
    row; `view` : of the direction of sight, all in voxels; `cuts` : places of the planes, NaN for none.
    """
    count, shape = volumes.shape[0], volumes.shape[1:]
    point = np.empty(3)
    for i in range(begin, end):
        for j in range(plane.shape[1]):
            nearest, axis = np.inf, -1
            for a in range(3):
                if np.isnan(cuts[a]) or abs(view[a]) < 1e-12:
                    continue
                s = (cuts[a] - at[a] - j * across[a] - i * down[a]) / view[a]
                if s >= nearest:
                    continue
                inside = True
                for b in range(3):
                    if b != a:
                        value = at[b] + j * across[b] + i * down[b] + s * view[b]
                        inside = inside and box[b, 0] <= value <= box[b, 1]
                if inside:
                    nearest, axis = s, a
            plane[i, j] = axis
            if axis < 0:
                for n in range(count):
                    out[n, i, j] = np.nan
                continue
            for b in range(3):
                point[b] = at[b] + j * across[b] + i * down[b] + nearest * view[b]
            point[axis] = cuts[axis]
            z = min(max(int(np.floor(point[0] + 0.5)), 0), shape[0] - 1)
            y = min(max(int(np.floor(point[1] + 0.5)), 0), shape[1] - 1)
            x = min(max(int(np.floor(point[2] + 0.5)), 0), shape[2] - 1)
            for n in range(count):
                out[n, i, j] = np.float32(volumes[n, z, y, x])


@njit(**OPTIONS)
def blend(values: Array, colours: FloatArray, ground: FloatArray, pixels: Array, begin: int, end: int) -> None:
    """Colours over a ground, mixed by the share (0 to 1) of each volume; covered by what they cover together.

    The colour is the mean of the colours by their shares, its strength 1 - prod(1 - share).
    """
    for i in range(begin, end):
        for j in range(values.shape[2]):
            total, clear = 0.0, 1.0
            red, green, blue = 0.0, 0.0, 0.0
            for n in range(values.shape[0]):
                share = values[n, i, j]
                if not share > 0:
                    continue
                share = min(share, 1.0)
                total += share
                clear *= 1.0 - share
                red += share * colours[n, 0]
                green += share * colours[n, 1]
                blue += share * colours[n, 2]
            if total > 0:
                red, green, blue = red / total, green / total, blue / total
            pixels[i, j, 0] = np.uint8(ground[0] * clear + red * (1 - clear) + 0.5)
            pixels[i, j, 1] = np.uint8(ground[1] * clear + green * (1 - clear) + 0.5)
            pixels[i, j, 2] = np.uint8(ground[2] * clear + blue * (1 - clear) + 0.5)
            pixels[i, j, 3] = 255


@njit(**OPTIONS)
def cover(
    shades: Array, depths: Array, colours: FloatArray, ground: FloatArray, pixels: Array, opacity: float, begin: int,
    end: int,
) -> None:
    """Surfaces over a ground, the nearer over the farther."""
    count = shades.shape[0]
    for i in range(begin, end):
        for j in range(shades.shape[2]):
            clear, limit = 1.0, -np.inf
            red, green, blue = 0.0, 0.0, 0.0
            for _ in range(count):
                nearest, which = np.inf, -1
                for n in range(count):
                    if limit < depths[n, i, j] < nearest:
                        nearest, which = depths[n, i, j], n
                if which < 0:
                    break
                limit = nearest
                light = shades[which, i, j]
                red += clear * opacity * light * colours[which, 0]
                green += clear * opacity * light * colours[which, 1]
                blue += clear * opacity * light * colours[which, 2]
                clear *= 1.0 - opacity
            pixels[i, j, 0] = np.uint8(min(red + clear * ground[0], 255.0) + 0.5)
            pixels[i, j, 1] = np.uint8(min(green + clear * ground[1], 255.0) + 0.5)
            pixels[i, j, 2] = np.uint8(min(blue + clear * ground[2], 255.0) + 0.5)
            pixels[i, j, 3] = 255


@njit(**OPTIONS)
def painted(values: Array, table: Array, ground: FloatArray, pixels: Array, begin: int, end: int) -> None:
    """Shares from 0 to 1 by a table of 256 colours, the ground where there is none."""
    for i in range(begin, end):
        for j in range(values.shape[1]):
            share = values[i, j]
            pixels[i, j, 3] = 255
            if np.isnan(share):
                for c in range(3):
                    pixels[i, j, c] = ground[c]
                continue
            at = int(255 * min(max(share, 0.0), 1.0) + 0.5)
            for c in range(3):
                pixels[i, j, c] = table[at, c]


@njit(**OPTIONS)
def block_maxima(volume: Array, blocks: Array) -> None:
    """The largest value that a sample in each block can have: of its voxels and of their next neighbours.

    `volume` has the margins of `largest`.
    """
    n0, n1, n2 = volume.shape
    for a in range(blocks.shape[0]):
        for b in range(blocks.shape[1]):
            for c in range(blocks.shape[2]):
                top = volume[a * BLOCK, b * BLOCK, c * BLOCK]
                for k in range(a * BLOCK, min((a + 1) * BLOCK, n0)):
                    for q in range(b * BLOCK, min((b + 1) * BLOCK + 2, n1)):
                        for r in range(c * BLOCK, min((c + 1) * BLOCK + 2, n2)):
                            top = max(top, volume[k, q, r])
                blocks[a, b, c] = top
