"""From what the electrons lose to what a spectrometer writes: plural scattering, zero-loss line, drift, counts.

A spectrum is I0 z(E) convolved with exp(S): all orders of scattering of a specimen whose single scattering is S (losses
per electron and eV), z the line of an electron that lost nothing (R. F. Egerton, EELS in the Electron Microscope, 3rd
ed. (2011), chapter 4: the Poisson law of plural scattering).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from fitting.dataset import FloatArray
from libraries.units import SIGMA_TO_FWHM

OVERSAMPLING = 2  # points of the simulation's grid in one channel


@dataclass(frozen=True)
class Spectrometer:
    """Energies in eV, angles in mrad, beam energy in keV.

    Attributes
    ----------
    first, dispersion : float
        Loss of the first channel, eV a channel.
    channels : int
    resolution : float
        FWHM of the Gaussian part of the zero-loss line.
    tail : float
        Decay length in eV of its tail on the loss side (the emitter's energy distribution), 0 for none.
    """

    first: float
    dispersion: float
    channels: int
    resolution: float
    tail: float = 0.0
    beam_energy: float = 200.0
    convergence: float = 5.0
    collection: float = 15.0

    @property
    def energy(self) -> FloatArray:
        """Nominal losses of the channels, shape (channels,)."""
        return np.asarray(self.first + self.dispersion * np.arange(self.channels))


class Optics:
    """Convolution of single-scattering distributions with plural scattering and the zero-loss line.

    The grid begins at 0 and is long enough that nothing wraps round into the channels.
    """

    def __init__(self, spectrometer: Spectrometer, reach: float) -> None:
        self.spectrometer = spectrometer
        self.step = spectrometer.dispersion / OVERSAMPLING
        self.size = int(next_fast_len(round(reach / self.step), real=True))
        self.energy: FloatArray = self.step * np.arange(self.size)
        self._ahead = 10.0 * spectrometer.resolution + 4 * spectrometer.dispersion

    def zero_loss(self, losses: FloatArray) -> FloatArray:
        """The line of unit area on any losses, its maximum at 0 within a hundredth of its width."""
        s = self.spectrometer
        sigma = s.resolution / SIGMA_TO_FWHM
        grid = np.arange(-8 * sigma, 8 * sigma + 12 * s.tail, min(sigma, s.tail or sigma) / 12)
        line = np.exp(-0.5 * (grid / sigma) ** 2)
        if s.tail:
            decay = np.exp(-np.arange(0, 12 * s.tail, grid[1] - grid[0]) / s.tail)
            line = np.convolve(line, decay)[: grid.size]
        line /= line.sum() * (grid[1] - grid[0])
        top = int(np.argmax(line))
        return np.interp(losses, grid - grid[top], line, left=0.0, right=0.0)

    def spectra(self, single: FloatArray, shift: FloatArray, core: FloatArray | None = None) -> FloatArray:
        """Electrons per channel for one incident electron, exact channel positions moved by `shift`.

        Parameters
        ----------
        single : array, shape (m, size)
            Single-scattering distributions on `energy`, per eV; channel 0 is not used.
        shift : array, shape (m,)
            Where the zero loss stands, eV.
        core : array, shape (m, size), optional
            Rare losses, per eV: with them only electrons are given that suffered one of these, once, and any of the
            others. The zero loss then lies far outside.

        Returns
        -------
        array, shape (m, channels)
        """
        s = self.spectrometer
        back = round(self._ahead / self.step)
        around = self.step * (np.arange(self.size) - back)
        sampled = self.zero_loss(around)
        line = rfft(sampled / sampled.sum())
        losses = single.copy()
        losses[:, 0] = 0.0
        transform = rfft(losses, axis=1) * self.step
        total = losses.sum(axis=1, keepdims=True) * self.step
        plural = line * np.exp(transform - total)
        if core is not None:
            plural = plural * rfft(core, axis=1) * self.step
        spread = irfft(plural, n=self.size, axis=1)
        rows = np.empty((single.shape[0], s.channels))
        bounds = around[0] + self.step * (np.arange(self.size + 1) - 0.5)
        for row, (curve, moved) in enumerate(zip(spread, shift, strict=True)):
            edges = s.first - 0.5 * s.dispersion + s.dispersion * np.arange(s.channels + 1) - moved
            summed = np.concatenate(([0.0], np.cumsum(curve)))
            rows[row] = np.diff(np.interp(edges, bounds, summed))
        return np.maximum(rows, 0.0)
