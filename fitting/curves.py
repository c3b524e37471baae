"""The curves of a model on a spectrum: what plots, exports and reports draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import FitModel
from fitting.statistics import variance_of


@dataclass(frozen=True, eq=False)
class Curves:
    """A model on the points of its region; all arrays have shape (n,), in the spectrum's intensity unit.

    Attributes
    ----------
    x, y : array
        Axis and measured intensities inside the region.
    background, envelope : array
        `envelope` is background plus all components.
    components : tuple of (id, array)
        Each without background.
    residual : array
        (y - envelope) / expected standard deviation; where the size of the noise is not known, in units of the
        residuals' own standard deviation.
    """

    x: FloatArray
    y: FloatArray
    background: FloatArray
    envelope: FloatArray
    components: tuple[tuple[str, FloatArray], ...]
    residual: FloatArray

    def component(self, id: str) -> FloatArray:
        """The curve of one component, without background."""
        return dict(self.components)[id]


def curves(spectrum: Spectrum, model: FitModel) -> Curves:
    """All curves of a model on a spectrum (after its recipe).

    Raises
    ------
    BadData, BadModel
        If the region holds no data, or a shape or background does not exist.
    """
    evaluator = Evaluator(spectrum, model)
    parts = evaluator.parts(evaluator.values_of(model))
    sigma = np.sqrt(variance_of(spectrum.noise, parts.envelope, evaluator.y))
    residual = (evaluator.y - parts.envelope) / sigma
    if not spectrum.noise.known and residual.size > 1:
        spread = float(np.sqrt(np.mean(residual**2)))
        residual = residual / spread if spread > 0 else residual
    return Curves(
        evaluator.x,
        evaluator.y,
        parts.background,
        parts.envelope,
        tuple(zip(evaluator.component_ids, parts.components, strict=True)),
        residual,
    )
