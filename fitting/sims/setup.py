"""What the analyst says of a ToF-SIMS measurement; every part is a field of a project's entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Normal = Literal["", "total", "sum", "ion", "fluence", "maximum"]
Response = Literal["crossing", "erf", "mri", "dowsett"]


@dataclass(frozen=True)
class PhaseRate:
    """How fast a phase is sputtered.

    Attributes
    ----------
    phase : str
        Name of a closed factor, or of a layer.
    rate : float
        nm/s.
    error : float
        One standard error, 0 where it is not known.
    """

    phase: str
    rate: float
    error: float = 0.0


@dataclass(frozen=True)
class DepthScale:
    """How sputter time becomes depth.

    Attributes
    ----------
    kind : "none", "rate", "crater" or "phases"
        One rate; the crater's depth at the last point with one rate; one rate a phase through closed factors (these are
        scaled to the crater's depth where that is given).
    rate : float
        nm/s.
    crater : float
        nm at the last point, 0 where it was not measured.
    crater_error : float
        One standard error in nm.
    factors : str
        Id of the factor analysis whose closed amounts are the shares of the phases.
    phases : tuple of PhaseRate
    """

    kind: Literal["none", "rate", "crater", "phases"] = "none"
    rate: float = 0.0
    crater: float = 0.0
    crater_error: float = 0.0
    factors: str = ""
    phases: tuple[PhaseRate, ...] = ()


@dataclass(frozen=True)
class Interface:
    """A step of one trace that is evaluated as an interface.

    Attributes
    ----------
    id, name : str
    trace : str
        An ion ("NaF2-"), or a factor ("factor:ID/2").
    low, high : float
        The part of the profile, in `scale`.
    scale : "time", "dose", "fluence", "depth" or "scan"
    response : "crossing" (16-84 %), "erf", "mri" or "dowsett"
    """

    id: str
    name: str
    trace: str
    low: float
    high: float
    scale: str = "time"
    response: Response = "erf"


@dataclass(frozen=True)
class ProfileLook:
    """How a depth profile or a cube is looked at.

    Attributes
    ----------
    ions : tuple of str
        Traces that are drawn, by their names ("Na2F+"), as sums "A + B" or ratios "A / B"; empty for a choice of the
        program.
    axis : "time", "dose", "fluence", "depth", "scan" or "" (the file's own)
    normal : str
        "", "total" (the file's total column), "sum" (all single ions), "ion" (`reference`), "fluence" or "maximum".
    reference : str
        The ion of "ion".
    logarithmic : bool
    smooth : int
        Points of a moving mean that is drawn over the points, 0 for none; nothing is computed from it.
    overlaid : tuple of str
        Ids of other entries whose traces are drawn beside.
    """

    ions: tuple[str, ...] = ()
    axis: str = ""
    normal: Normal = ""
    reference: str = ""
    logarithmic: bool = True
    smooth: int = 0
    overlaid: tuple[str, ...] = ()


@dataclass(frozen=True)
class MassPeak:
    """One line of a peak list.

    Attributes
    ----------
    name : str
        The ion's formula as the analyst took it, or a free name.
    mass : float
        m/z of the line's centre.
    low, high : float
        Limits of integration in m/z.
    alternatives : tuple of str
        Ions that the mass resolution cannot exclude; they stay in every label.
    """

    name: str
    mass: float
    low: float
    high: float
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class MassSetup:
    """What is said of the masses of a spectrum, a profile or a cube.

    Attributes
    ----------
    calibrants : tuple of (ion, channel)
        Clicked lines of the present calibration.
    peaks : tuple of MassPeak
    resolution : float
        m/dm (full width at half maximum); 0 where it follows from the data, or the default of the program.
    pulses : float
        Primary pulses a channel of the measurement, 0 where not known; for dead time and saturation.
    """

    calibrants: tuple[tuple[str, float], ...] = ()
    peaks: tuple[MassPeak, ...] = ()
    resolution: float = 0.0
    pulses: float = 0.0
