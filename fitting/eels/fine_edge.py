"""A fitted edge without its background and plural scattering, on energies counted from the internal reference."""

from __future__ import annotations

import numpy as np

from fitting.dataset import Spectrum
from fitting.eels.edge_model import Curves
from fitting.eels.fine_setup import FineSetup
from fitting.eels.propagation import Linearised
from fitting.eels.reference_mix import Edge
from fitting.result import FitResult


def edge_above_background(spectrum: Spectrum, result: FitResult, setup: FineSetup, name: str) -> Edge:
    """What the counts leave above power law, fitted O K and fitted plural scattering.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted.
    result : FitResult
        Of a model of this page.

    Raises
    ------
    FitFailed
        If the fit is no minimum.
    """
    linear = Linearised(spectrum, result)
    values = linear.values
    parts = linear.evaluator.parts(values)
    ids = [c.id for c in result.model.components]
    broad = dict(zip(ids, parts.components, strict=True))
    single = Curves(result.model, linear.x, single=True).of(values) if result.model.response is not None else broad
    off = parts.background + sum((curve if id.startswith("ok") else curve - single[id] for id, curve in broad.items()),
                                 np.zeros_like(linear.x))
    base = 0.0
    if setup.reference == "O K" and "ok.position" in linear.evaluator.names:
        base = float(values[linear.evaluator.names.index("ok.position")])
    elif setup.reference in ("zero loss", "C K"):
        base = setup.reference_energy
    below = parts.background
    return Edge(name, linear.x - base, linear.y - off, linear.variance / linear.excess, below,
                excess=linear.excess)
