"""What kind of ToF-SIMS data a spectrum is; tools are offered by it."""

from __future__ import annotations

from typing import Literal

from fitting.dataset import Spectrum

Kind = Literal["spectrum", "profile", "image", "cube"]


def kind_of(spectrum: Spectrum) -> Kind:
    """A mass spectrum (or an image of whole mass spectra), or ions along a depth profile, an image or a cube."""
    if not spectrum.axis.labels:
        return "spectrum"
    kinds: dict[int, Kind] = {0: "spectrum", 1: "profile", 2: "image", 3: "cube"}
    return kinds.get(len(spectrum.navigation), "cube")
