"""What the analyst says for a calibration of factors by XPS; a field of a project's entry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class XpsDepth:
    """What XPS found at one depth.

    Attributes
    ----------
    depth : float
        nm on the depth scale of the ToF-SIMS profile: what was sputtered away before the spectra were taken.
    depth_error : float
        One standard error in nm, 0 where it is taken as exact.
    amounts : tuple of float
        at.% in the order of `ByXps.quantities`; NaN where nothing is given yet.
    errors : tuple of float
        One standard error each in at.%; NaN where none is given.
    source : str
        Where the numbers come from: a sample of the project, a file.
    """

    depth: float
    depth_error: float = 0.0
    amounts: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class ByXps:
    """How the factors of a profile get their composition from XPS at common depths.

    Attributes
    ----------
    factors : str
        Id of a factor analysis with closure; "" for none.
    quantities : tuple of str
        What XPS tells apart: elements ("F") or chemical states ("C 1s carbonate").
    depths : tuple of XpsDepth
    attenuation : float
        Effective attenuation length of the photoelectrons in nm; 0 where each XPS composition is that of its depth.
    angle : float
        Emission angle from the surface normal in degrees.
    densities : tuple of float
        Atoms in nm3 of each factor without hydrogen, in the order of the factors; empty where all are taken as alike.
    """

    factors: str = ""
    quantities: tuple[str, ...] = ()
    depths: tuple[XpsDepth, ...] = ()
    attenuation: float = 0.0
    angle: float = 0.0
    densities: tuple[float, ...] = ()
