"""Inelastic loss in a homogeneous solid: Tougaard cross-sections and multiple scattering, on a binding-energy grid.

An electron that leaves with energy E may first lose T with the probability lambda K(T) dT, again and again. In a
homogeneous solid without surface the measured flux is J = F + lambda K * F + lambda K * lambda K * F + ...
= F / (1 - lambda K) in Fourier space: exactly what Tougaard's background formula B = lambda K * J undoes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.integrate import quad

from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
TOUGAARD = "S. Tougaard, Surf. Interface Anal. 11, 453 (1988); 25, 137 (1997)"
# The wrap-round of the Fourier transform is damped by exp(-DAMPING) once per length of the data.
DAMPING = 10.0


@dataclass(frozen=True)
class Term:
    """A three-parameter (or, with D = 0 and C > 0, universal two-parameter) cross-section of a loss.

    K(T) = B T / [(C - T^2)^2 + D T^2] above T0, or B T / (C + T^2)^2 where `two_parameter`.

    Attributes
    ----------
    B, C, D, T0 : float
        In eV^2, eV^2, eV^2 and eV.
    two_parameter : bool
        Use the universal form U2.
    probability : float or None
        Integral of lambda K over all losses, to which B is scaled; None keeps B.
    """

    B: float
    C: float
    D: float = 0.0
    T0: float = 0.0
    two_parameter: bool = False
    probability: float | None = None

    def shape(self, loss: FloatArray | float) -> FloatArray:
        """lambda K(T) in 1/eV with the B as given; zero for T < T0."""
        T = np.asarray(loss, dtype=float)
        bottom = (self.C + T * T) ** 2 if self.two_parameter else (self.C - T * T) ** 2 + self.D * T * T
        return np.where((self.T0 <= T) & (T >= 0.0), self.B * T / bottom, 0.0)

    @property
    def natural(self) -> float:
        """Integral of the cross-section over all losses with the B as given."""
        top, far = math.sqrt(self.C), 20.0 * math.sqrt(self.C) + self.T0
        middle = quad(self.shape, self.T0, far, points=[top], limit=400)[0]
        return float(middle + quad(self.shape, far, np.inf)[0])

    @property
    def scale(self) -> float:
        """Factor on B that gives the wanted probability."""
        return 1.0 if self.probability is None else self.probability / self.natural


@dataclass(frozen=True)
class Loss:
    """How electrons of a phase lose energy on their way out: a sum of cross-sections, with its source.

    Raises
    ------
    BadModel
        If the terms together lose an electron more than once on average (integral of lambda K above 1).
    """

    name: str
    terms: tuple[Term, ...]
    source: str

    def __post_init__(self) -> None:
        if self.probability > 1.0 + 1e-9:
            raise BadModel(
                f"The cross-section integrates to {self.probability:.3f}, above 1",
                where=self.name,
                todo="Give its terms a probability",
            )

    @property
    def probability(self) -> float:
        """Integral of lambda K over all losses."""
        return sum(term.natural * term.scale for term in self.terms)

    def kernel(self, size: int, step: float) -> FloatArray:
        """lambda K at 0, step, 2 step ... times step, shape (size,): the share lost into each channel."""
        T = step * np.arange(size)
        return sum((term.scale * term.shape(T) for term in self.terms), np.zeros(size)) * step

    def spectrum(self, primary: FloatArray, step: float) -> FloatArray:
        """Flux after multiple scattering.

        Parameters
        ----------
        primary : ndarray, shape (n,)
            Flux without losses on an even grid of *ascending binding energy*: losses move to the right.
        step : float
            Grid step in eV.

        Returns
        -------
        ndarray, shape (n,)
            Primary and scattered electrons together.

        References
        ----------
        S. Tougaard, Surf. Interface Anal. 11, 453 (1988): the inverse of his background formula.
        """
        size = primary.size
        damp = np.exp(-DAMPING / size * np.arange(size))
        length = next_fast_len(2 * size, real=True)
        lost = rfft(self.kernel(size, step) * damp, length)
        total = irfft(rfft(primary * damp, length) / (1.0 - lost), length)[:size]
        return total / damp


def background(flux: FloatArray, loss: Loss, step: float) -> FloatArray:
    """Tougaard's formula by a direct sum: the inelastic part of a measured flux, B = lambda K * J.

    Parameters
    ----------
    flux : ndarray, shape (n,)
        Measured flux on an even grid of ascending binding energy that begins above the Fermi level.
    loss : Loss
    step : float
        In eV.
    """
    return np.convolve(flux, loss.kernel(flux.size, step))[: flux.size]


# The cross-sections of Tougaard's classes; those that exceed 1 are scaled, for no electron is scattered more than once
# a mean free path (the rest is the inaccuracy of three parameters).
UNIVERSAL = Loss("universal", (Term(2866.0, 1643.0, two_parameter=True),), f"U2, {TOUGAARD}")
POLYMER_SHAPE = (434.0, 551.0, 436.0)
CARBON = Loss(
    "carbon",
    (Term(*POLYMER_SHAPE, probability=0.95),),
    f"polymer class U3, {TOUGAARD}; scaled from 1.10 to 0.95 (chosen)",
)
# Na metal: the form of the Al class (a free-electron metal) at the plasmon energy of Na. C = (5.8 eV)^2, Jiang et al.,
# J. Mater. Res. 23, 2467 (2008); width 0.9 eV chosen: 0.3 eV at q = 0 (Raether 1980) plus dispersion.
NA_PLASMON, NA_PLASMON_WIDTH = 5.8, 0.9


def sodium_plasmon(probability: float) -> Term:
    """Bulk plasmon of Na metal as a loss of the given probability."""
    return Term(1.0, NA_PLASMON**2, NA_PLASMON_WIDTH**2, probability=probability)


NA_SOURCE = "plasmon of Na metal 5.8 eV, L. Jiang et al., J. Mater. Res. 23, 2467 (2008), form of Tougaard's Al class"
# A mean free path of Na metal at 414 eV is 2.1 nm, a film of 2-3 monolayers 0.7 to 1 nm thick: one electron in three
# loses a plasmon on its way out (chosen), few lose more.
NA_FILM = Loss("Na film", (sodium_plasmon(0.35), Term(2866.0, 1643.0, two_parameter=True, probability=0.25)), NA_SOURCE)
# Electrons of the substrate cross the film as well.
UNDER_NA = Loss(
    "carbon under Na",
    (Term(*POLYMER_SHAPE, probability=0.85), sodium_plasmon(0.06)),
    f"{TOUGAARD}; {NA_SOURCE}; probabilities chosen",
)
