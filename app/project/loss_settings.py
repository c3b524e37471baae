"""What the analyst says of a low-loss spectrum: the material, the end of the zero-loss peak, gap and normalisation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LossSettings:
    """Settings of the Low loss page for one spectrum or image.

    Attributes
    ----------
    formula : str
        Of the material, "Na2CO3"; "" while it is not known.
    density : float or None
        g/cm3.
    way : str
        How the zero-loss area is taken, a key of `fitting.eels.log_ratio.WAYS`.
    limit : float or None
        End of the zero-loss peak in eV above it, for the way "by hand".
    reference : str
        Id of the entry measured without specimen, for the way "vacuum reference".
    gap_low, gap_high : float or None
        Window of the gap fit, eV.
    gap_kind : "direct" or "indirect"
    normalised_by : "", "metal", "index" or "thickness"
        What normalises the loss function; "" while it is not chosen.
    refractive_index, thickness : float or None
        Optical index, and thickness in nm.
    surface : bool
        Whether surface losses are computed and taken out.
    """

    formula: str = ""
    density: float | None = None
    way: str = "minimum"
    limit: float | None = None
    reference: str = ""
    gap_low: float | None = None
    gap_high: float | None = None
    gap_kind: str = "direct"
    normalised_by: str = ""
    refractive_index: float | None = None
    thickness: float | None = None
    surface: bool = False
