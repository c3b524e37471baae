"""From edge signals to atoms per nm^2 and atomic per cent, with an error budget.

N = I_k / (I_low sigma_k), ratios N_a/N_b = I_a sigma_b / (I_b sigma_a). Counting errors and the systematic errors of
the cross-sections are kept apart to the end: more counts mend only the first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from fitting.eels.core_background import EdgeSignal
from fitting.eels.cross_sections import CrossSection
from libraries.elements import atomic_number
from libraries.errors import BadData, NotDetermined

# A signal counts as seen when it exceeds 1.645 standard errors (L. A. Currie, Anal. Chem. 40 (1968) 586).
_CRITICAL = 1.644854
# What the result sees of the finite accuracy with which a window is set on channels.
_SAME = 1e-3


@dataclass(frozen=True)
class Measured:
    """An edge with its signal and cross-section in the same window.

    Attributes
    ----------
    signal : EdgeSignal
        Counts in [onset, onset + window].
    cross_section : CrossSection
        For the same window.
    """

    signal: EdgeSignal
    cross_section: CrossSection

    @property
    def element(self) -> str:
        """Symbol."""
        return self.cross_section.edge.element


@dataclass(frozen=True)
class Budget:
    """Relative standard errors of one amount, by cause.

    Attributes
    ----------
    counting : float
        Counts in the window (signal and background).
    extrapolation : float
        Background continued under the edge.
    low_loss : float
        Counts of the low loss; 0 where it does not enter.
    cross_section : float
        Systematic.
    """

    counting: float
    extrapolation: float
    low_loss: float
    cross_section: float

    @property
    def statistical(self) -> float:
        """All but the cross-section."""
        return math.sqrt(self.counting**2 + self.extrapolation**2 + self.low_loss**2)

    @property
    def total(self) -> float:
        """All causes, taken as independent."""
        return math.hypot(self.statistical, self.cross_section)


@dataclass(frozen=True)
class Areal:
    """Atoms per area.

    Attributes
    ----------
    element, edge, model : str
    value, error, statistical : float
        Atoms/nm^2, standard error with all causes, and without the cross-section.
    budget : Budget
    determined : bool
        False where the signal is not significantly above zero; `upper` is then what to quote.
    upper : float
        One-sided 95 % limit in atoms/nm^2.
    warnings : tuple of str
    """

    element: str
    edge: str
    model: str
    value: float
    error: float
    statistical: float
    budget: Budget
    determined: bool
    upper: float
    warnings: tuple[str, ...] = ()


def areal_density(measured: Measured, low_loss: float, *, gain: float = 1.0, low_gain: float | None = None) -> Areal:
    """Atoms per nm^2.

    Parameters
    ----------
    measured : Measured
    low_loss : float
        Counts of the low loss from the zero-loss peak to the width of the window above it, same angles, scaled to the
        exposure and beam current of the core loss. With plural scattering removed from the edge: I0.
    gain, low_gain : float
        Counts per electron of core and low loss (after scaling).

    Returns
    -------
    Areal

    Raises
    ------
    NotDetermined
        If the low loss or the cross-section is not above zero.
    BadData
        If signal and cross-section belong to different windows.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    _check(measured)
    if not (math.isfinite(low_loss) and low_loss > 0):
        raise NotDetermined("The low loss holds no counts", where=measured.cross_section.edge.name,
                            todo="Load the low loss of the same place, or ask for ratios only")
    sigma = measured.cross_section
    scale = 1.0 / (low_loss * sigma.nm2)
    value = measured.signal.counts * scale
    low = math.sqrt((gain if low_gain is None else low_gain) / low_loss)
    # In absolute terms first: a signal of zero has no relative error.
    counting, extrapolation = _parts(measured.signal)
    statistical = math.hypot(measured.signal.error * scale, value * low)
    error = math.hypot(statistical, value * sigma.relative_error)
    size = abs(measured.signal.counts)
    budget = Budget(counting / size if size else math.inf, extrapolation / size if size else math.inf, low,
                    sigma.relative_error)
    seen = measured.signal.counts > _CRITICAL * measured.signal.error
    upper = max(value, 0.0) + _CRITICAL * (error if value > 0 else statistical)
    return Areal(measured.element, sigma.edge.name, sigma.model, value, error, statistical, budget, seen, upper,
                 sigma.warnings)


@dataclass(frozen=True)
class Share:
    """One element of a composition.

    Attributes
    ----------
    element, edge, model : str
    at_percent, error, statistical : float
        At.%, standard error with all causes, and without cross-sections.
    budget : Budget
        Of the amount before normalisation.
    determined : bool
        Whether the signal is significantly above zero.
    """

    element: str
    edge: str
    model: str
    at_percent: float
    error: float
    statistical: float
    budget: Budget
    determined: bool


@dataclass(frozen=True, eq=False)
class Composition:
    """Relative amounts of the elements measured; those not measured are not in it.

    Attributes
    ----------
    shares : tuple of Share
    covariance, statistical : array, shape (k, k)
        Of the fractions (sum 1), with all causes and without cross-sections.
    warnings : tuple of str
    """

    shares: tuple[Share, ...]
    covariance: FloatArray
    statistical: FloatArray
    warnings: tuple[str, ...]

    def ratio(self, first: str, second: str) -> tuple[float, float]:
        """N_first/N_second with its standard error (all causes); raises NotDetermined."""
        names = [share.element for share in self.shares]
        for name in (first, second):
            if name not in names:
                raise NotDetermined(f"{name} was not measured", where="composition")
        i, j = names.index(first), names.index(second)
        a, b = (self.shares[k].at_percent / 100.0 for k in (i, j))
        if not self.shares[j].determined:
            raise NotDetermined(f"{second} is not significantly above zero", where=f"{first}/{second}")
        gradient = np.zeros(len(names))
        gradient[i] += 1.0 / b
        gradient[j] -= a / b**2
        return a / b, math.sqrt(float(gradient @ self.covariance @ gradient))


def composition(edges: Sequence[Measured], covariance: FloatArray | None = None) -> Composition:
    """Atomic per cent of the elements measured; no low loss is needed.

    Parameters
    ----------
    edges : sequence of Measured
        One for each element.
    covariance : array, shape (k, k), optional
        Of the signals in counts^2, where one fit gave them together; default: independent.

    Returns
    -------
    Composition

    Raises
    ------
    BadData
        If an element comes twice, or windows or shapes disagree.
    NotDetermined
        If nothing is above zero.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    if not edges:
        raise BadData("No edge to quantify", where="composition")
    names = [one.element for one in edges]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise BadData(f"{twice} is measured by two edges", where="composition", todo="Choose one of them")
    for one in edges:
        _check(one)
    sigma = np.array([one.cross_section.nm2 for one in edges])
    counts = np.array([one.signal.counts for one in edges])
    noise = np.diag([one.signal.error**2 for one in edges]) if covariance is None else np.asarray(covariance, float)
    if noise.shape != (len(edges), len(edges)):
        raise BadData(f"A covariance of shape {noise.shape} for {len(edges)} edges", where="composition")
    amount = counts / sigma
    whole = float(np.sum(amount))
    if whole <= 0:
        raise NotDetermined("The edges hold no signal", where="composition", todo="Check the backgrounds")
    fraction = amount / whole
    # d fraction_i / d amount_j = (delta_ij - fraction_i) / whole
    jacobian = (np.eye(len(edges)) - fraction[:, None]) / whole
    statistical = jacobian @ (noise / np.outer(sigma, sigma)) @ jacobian.T
    systematic = np.diag([(a * one.cross_section.relative_error) ** 2 for a, one in zip(amount, edges, strict=True)])
    total = statistical + jacobian @ systematic @ jacobian.T
    shares = tuple(_share(one, float(fraction[i]), total[i, i], statistical[i, i]) for i, one in enumerate(edges))
    return Composition(shares, total, statistical, _warnings(edges))


def _share(one: Measured, fraction: float, variance: float, statistical: float) -> Share:
    counting, extrapolation = _parts(one.signal)
    size = abs(one.signal.counts)
    budget = Budget(counting / size if size else math.inf, extrapolation / size if size else math.inf, 0.0,
                    one.cross_section.relative_error)
    return Share(one.element, one.cross_section.edge.name, one.cross_section.model, 100.0 * fraction,
                 100.0 * math.sqrt(max(float(variance), 0.0)), 100.0 * math.sqrt(max(float(statistical), 0.0)), budget,
                 one.signal.counts > _CRITICAL * one.signal.error)


def _parts(signal: EdgeSignal) -> tuple[float, float]:
    """Standard errors in counts: of the counting in the window, and of the extrapolated background."""
    counting = math.sqrt(max(signal.error**2 - signal.background_err**2, 0.0))
    return counting, signal.background_err


def _warnings(edges: Sequence[Measured]) -> tuple[str, ...]:
    found = [text for one in edges for text in one.cross_section.warnings]
    widths = {round(one.cross_section.window, 3) for one in edges}
    if len(widths) > 1:
        found.append("Windows of different width see different parts of the plural scattering")
    if len({one.cross_section.model for one in edges}) > 1:
        found.append("Cross-sections of different models are compared")
    return tuple(found)


def _check(one: Measured) -> None:
    sigma = one.cross_section
    atomic_number(sigma.edge.element)
    width = one.signal.window[1] - one.signal.window[0]
    if abs(width - sigma.window) > _SAME * sigma.window:
        raise BadData(f"The signal is of {width:g} eV, the cross-section of {sigma.window:g} eV", where=sigma.edge.name,
                      todo="Use the same window")
    if not sigma.value > 0:
        raise NotDetermined("The cross-section is zero", where=sigma.edge.name)
    if not (math.isfinite(one.signal.counts) and one.signal.error > 0):
        raise BadData("The signal has no error", where=sigma.edge.name)
