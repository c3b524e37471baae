"""Many spectra at once as sums of known curves whose amounts, shifts and widths are fitted: batched Gauss-Newton.

On an even axis a shifted curve is the same four neighbours with the same weights in every channel, so that thousands of
spectra are fitted with a few products of arrays. Weights follow the model (variance = gain times model).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fitting.dataset import FloatArray

GOOD, EMPTY, LOST, FAR, WEAK = range(5)
LEGEND = (
    (EMPTY, "no counts"), (LOST, "the fit found no minimum"), (FAR, "the shift reached its limit"),
    (WEAK, "the edge is not 3 standard errors above zero"),
)
_STEPS = 25
_DONE = 0.02  # of a standard error
MARGIN = 4.0  # eV that curves reach beyond the channels, and the largest shift


@dataclass(frozen=True, eq=False)
class Template:
    """A curve of known form.

    Attributes
    ----------
    name : str
    values : array, shape (k, n + 2 m)
        At k widths (one where the width is not fitted), with m channels of margin on both sides.
    widths : array, shape (k,)
    shift : int
        Number of the shift that it follows, -1 for none.
    """

    name: str
    values: FloatArray
    widths: FloatArray
    shift: int = -1


@dataclass(frozen=True, eq=False)
class TemplateFit:
    """Parameters of every spectrum.

    Attributes
    ----------
    names : tuple of str
        Amounts by the templates' names, then "tilt", "shift 0", ..., "width NAME".
    values : array, shape (pixels, p)
        Amounts in units of the template; tilt changes the first template's exponent; shifts in eV, widths in eV.
    covariance : array, shape (pixels, p, p)
        In units of the noise (gain 1 where it is not known).
    chi2 : array, shape (pixels,)
        Reduced.
    flags : array of uint8, shape (pixels,)
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    chi2: FloatArray
    flags: NDArray[np.uint8]

    def column(self, name: str) -> FloatArray:
        """Values of one parameter."""
        return self.values[:, self.names.index(name)]

    def variance(self, name: str, other: str = "") -> FloatArray:
        """Variance of one parameter, or its covariance with another."""
        i, j = self.names.index(name), self.names.index(other or name)
        return self.covariance[:, i, j]


class TemplateModel:
    """Sum of templates; the first is the background, whose exponent is free.

    Parameters
    ----------
    templates : sequence of Template
    x : array, shape (n,)
        Even axis, eV.
    shifts : int
        How many shifts there are.
    """

    def __init__(self, templates: Sequence[Template], x: FloatArray, shifts: int) -> None:
        self.templates, self.x, self.shifts = tuple(templates), x, shifts
        self.step = float(np.mean(np.diff(x)))
        self.margin = margin_of(x)
        self._log = np.log(x / np.sqrt(x[0] * x[-1]))
        self.wide = tuple(i for i, t in enumerate(self.templates) if t.widths.size > 1)
        m = len(self.templates)
        self.names = (*(t.name for t in self.templates), "tilt", *(f"shift {i}" for i in range(shifts)),
                      *(f"width {self.templates[i].name}" for i in self.wide))
        self._shift0, self._wide0 = m + 1, m + 1 + shifts
        self._windows = [sliding_window_view(t.values, x.size, axis=1) for t in self.templates]

    def start(self, rows: FloatArray) -> FloatArray:
        """Where every spectrum begins: the templates as they are, scaled to its counts."""
        p = np.zeros((rows.shape[0], len(self.names)))
        whole = sum(t.values[t.widths.size // 2][self.margin : self.margin + self.x.size] for t in self.templates)
        scale = np.sum(rows, axis=1) / float(np.sum(whole))
        p[:, : len(self.templates)] = np.maximum(scale, 1e-12)[:, None]
        for place, i in enumerate(self.wide):
            t = self.templates[i]
            p[:, self._wide0 + place] = t.widths[t.widths.size // 2]
        return p

    def evaluate(self, p: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Model (pixels, n) and derivatives (pixels, parameters, n)."""
        count, m = p.shape[0], len(self.templates)
        jacobian = np.zeros((count, p.shape[1], self.x.size))
        model = np.zeros((count, self.x.size))
        tilt = np.exp(-p[:, m][:, None] * self._log)
        for i, template in enumerate(self.templates):
            shift = p[:, self._shift0 + template.shift] if template.shift >= 0 else np.zeros(count)
            width = p[:, self._wide0 + self.wide.index(i)] if i in self.wide else None
            value, slope, spread = self._curve(i, shift, width)
            if i == 0:
                value = value * tilt
                jacobian[:, m] = -p[:, :1] * value * self._log
            jacobian[:, i] = value
            part = p[:, i][:, None] * value
            model += part
            if template.shift >= 0:
                jacobian[:, self._shift0 + template.shift] -= p[:, i][:, None] * slope
            if width is not None:
                jacobian[:, self._wide0 + self.wide.index(i)] = p[:, i][:, None] * spread
        return model, jacobian

    def _curve(
        self, i: int, shift: FloatArray, width: FloatArray | None
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """A template at the shifts: value, slope along the axis, derivative by the width."""
        template, windows = self.templates[i], self._windows[i]
        place = self.margin - shift / self.step
        whole = np.clip(np.floor(place).astype(int), 1, windows.shape[1] - 3)
        f = np.clip(place - whole, -1.0, 2.0)
        # Cubic Lagrange weights of the neighbours -1, 0, 1, 2, and their derivatives.
        weights = np.stack((-f * (f - 1) * (f - 2) / 6, (f + 1) * (f - 1) * (f - 2) / 2, -(f + 1) * f * (f - 2) / 2,
                            (f + 1) * f * (f - 1) / 6))
        slopes = np.stack((-(3 * f**2 - 6 * f + 2) / 6, (3 * f**2 - 4 * f - 1) / 2, -(3 * f**2 - 2 * f - 2) / 2,
                           (3 * f**2 - 1) / 6)) / self.step

        def taken(k: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
            value, slope = np.zeros((f.size, self.x.size)), np.zeros((f.size, self.x.size))
            for j in range(4):
                rows = windows[k, whole + j - 1]
                value += weights[j][:, None] * rows
                slope += slopes[j][:, None] * rows
            return value, slope

        if width is None:
            return *taken(np.zeros(f.size, dtype=int)), None
        k = np.clip(np.searchsorted(template.widths, width) - 1, 0, template.widths.size - 2)
        low, high = template.widths[k], template.widths[k + 1]
        share = np.clip((width - low) / (high - low), 0.0, 1.0)[:, None]
        a, b = taken(k), taken(k + 1)
        value, slope = ((1 - share) * one + share * other for one, other in zip(a, b, strict=True))
        return value, slope, (b[0] - a[0]) / (high - low)[:, None]

    def fit(self, rows: FloatArray, gain: float) -> TemplateFit:
        """Fit many spectra.

        Parameters
        ----------
        rows : array, shape (pixels, n)
        gain : float
            Counts per electron (1 where it is not known).
        """
        p = self.start(rows)
        flags = np.full(rows.shape[0], GOOD, dtype=np.uint8)
        flags[~(np.sum(rows, axis=1) > 0)] = EMPTY
        floor = 0.02 * np.maximum(np.mean(rows, axis=1), gain)[:, None]
        open_ = np.flatnonzero(flags == GOOD)
        damping = np.full(rows.shape[0], 1e-3)
        cost = np.full(rows.shape[0], np.inf)
        for _ in range(_STEPS):
            if open_.size == 0:
                break
            open_ = self._step(p, rows, gain, floor, open_, damping, cost)
        flags[open_] = LOST
        return self._ended(p, rows, gain, floor, flags)

    def _normal(
        self, p: FloatArray, rows: FloatArray, gain: float, floor: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        model, jacobian = self.evaluate(p)
        weight = 1.0 / (gain * np.maximum(model, floor))
        residual = rows - model
        weighted = jacobian * weight[:, None, :]
        information = np.matmul(weighted, np.swapaxes(jacobian, 1, 2))
        gradient = np.matmul(weighted, residual[:, :, None])[:, :, 0]
        # Poisson deviance (McCullagh & Nelder 1989), for which these are the scoring equations.
        y, m = np.maximum(rows, 0.0), np.maximum(model, floor)
        ratio = np.where(y > 0, y / m, 1.0)
        deviance = 2.0 / gain * np.sum(y * np.log(ratio) - (y - m), axis=1)
        return information, gradient, np.sum(weight * residual**2, axis=1), deviance

    def _step(
        self, p: FloatArray, rows: FloatArray, gain: float, floor: FloatArray, open_: NDArray[np.intp],
        damping: FloatArray, cost: FloatArray,
    ) -> NDArray[np.intp]:
        """One damped step of those that have not ended; the others."""
        information, gradient, _, deviance = self._normal(p[open_], rows[open_], gain, floor[open_])
        cost[open_] = deviance
        scale = np.sqrt(np.maximum(np.einsum("pii->pi", information), 1e-300))
        unit = information / (scale[:, :, None] * scale[:, None, :])
        unit += damping[open_][:, None, None] * np.eye(unit.shape[1])
        step = np.linalg.solve(unit, (gradient / scale)[:, :, None])[:, :, 0] / scale
        limit = np.full(step.shape, np.inf)
        limit[:, self._shift0 : self._wide0] = 1.0
        step = np.clip(step, -limit, limit)
        trial = self._inside(p[open_] + step)
        now = self._normal(trial, rows[open_], gain, floor[open_])[3]
        better = now <= deviance * (1 + 1e-12) + 1e-9
        moved = np.max(np.abs(trial - p[open_]) * scale, axis=1)
        p[open_[better]] = trial[better]
        damping[open_] = np.where(better, np.maximum(damping[open_] * 0.1, 1e-9), damping[open_] * 10.0)
        ended = (better & (moved < _DONE)) | (damping[open_] > 1e6)
        return open_[~ended]

    def _inside(self, p: FloatArray) -> FloatArray:
        p = p.copy()
        p[:, self._shift0 : self._wide0] = np.clip(p[:, self._shift0 : self._wide0], -MARGIN + 1.0, MARGIN - 1.0)
        p[:, len(self.templates)] = np.clip(p[:, len(self.templates)], -6.0, 6.0)
        for place, i in enumerate(self.wide):
            t = self.templates[i]
            p[:, self._wide0 + place] = np.clip(p[:, self._wide0 + place], t.widths[0], t.widths[-1])
        return p

    def _ended(
        self, p: FloatArray, rows: FloatArray, gain: float, floor: FloatArray, flags: NDArray[np.uint8]
    ) -> TemplateFit:
        information, _, chi2, _ = self._normal(p, rows, gain, floor)
        scale = np.sqrt(np.maximum(np.einsum("pii->pi", information), 1e-300))
        unit = information / (scale[:, :, None] * scale[:, None, :])
        covariance = np.linalg.pinv(unit, rcond=1e-10, hermitian=True) / (scale[:, :, None] * scale[:, None, :])
        shifts = np.abs(p[:, self._shift0 : self._wide0])
        if shifts.size:
            flags = np.where((flags == GOOD) & np.any(shifts[:, :1] > MARGIN - 1.01, axis=1), FAR, flags)
        dof = max(self.x.size - len(self.names), 1)
        return TemplateFit(self.names, p, covariance, chi2 / dof, flags.astype(np.uint8))


def margin_of(x: FloatArray) -> int:
    """Channels of margin of a template."""
    return int(np.ceil(MARGIN / float(np.mean(np.diff(x))))) + 3
