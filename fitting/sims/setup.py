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
    rate_error : float
        One standard error, 0 where it is not known.
    crater : float
        nm at the last point, 0 where it was not measured.
    crater_error : float
        One standard error in nm.
    note : str
        Where rates or crater come from ("profilometer", "SiO2 on Si, same day").
    factors : str
        Id of the factor analysis whose closed amounts are the shares of the phases.
    phases : tuple of PhaseRate
    """

    kind: Literal["none", "rate", "crater", "phases"] = "none"
    rate: float = 0.0
    rate_error: float = 0.0
    crater: float = 0.0
    crater_error: float = 0.0
    note: str = ""
    factors: str = ""
    phases: tuple[PhaseRate, ...] = ()


@dataclass(frozen=True)
class Interface:
    """A step of one trace that is evaluated as an interface, or a rise and fall that is evaluated as a layer.

    Attributes
    ----------
    id, name : str
    trace : str
        An ion ("NaF2-"), or a factor ("factor:ID/2").
    low, high : float
        The part of the profile, in `scale`.
    scale : "time", "dose", "fluence", "depth" or "scan"
    response : "crossing" (16-84 %), "erf", "mri" or "dowsett"
    shape : "step" or "layer"
        A layer has two interfaces, which are fitted at once; not by "crossing".
    held : tuple of (name, value)
        Lengths of the response that are known (`fitting.sims.interface.LENGTHS`) and not fitted.
    """

    id: str
    name: str
    trace: str
    low: float
    high: float
    scale: str = "time"
    response: Response = "erf"
    shape: Literal["step", "layer"] = "step"
    held: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class LayerMarker:
    """What stands for a layer.

    Attributes
    ----------
    name : str
        What the layer is called; "" for the trace's own name.
    trace : str
        An ion, a sum "A + B" or a factor ("factor:ID/2").
    """

    name: str
    trace: str


@dataclass(frozen=True)
class LayerSetup:
    """From what the layers of a profile are told.

    Attributes
    ----------
    factors : str
        Id of a factor analysis all of whose factors are phases; "" for none.
    markers : tuple of LayerMarker
        Chosen traces, one a layer; used where `factors` is empty.
    names : tuple of str
        What the factors' layers are called, in the order of the factors; empty for the factors' own names.
    """

    factors: str = ""
    markers: tuple[LayerMarker, ...] = ()
    names: tuple[str, ...] = ()


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
    polarity : "positive", "negative" or ""
        As the analyst says; "" where the file, calibrants or peaks say it.
    unused : tuple of str
        Ions among the calibrants that are shown and not used.
    ions : tuple of str
        The analyst's own ions, beside the list's.
    tolerance : float
        ppm within which an ion may name a line; 0 for the program's own.
    elements : tuple of str
        Elements of which formulas are made; empty for the program's own.
    """

    calibrants: tuple[tuple[str, float], ...] = ()
    peaks: tuple[MassPeak, ...] = ()
    resolution: float = 0.0
    pulses: float = 0.0
    polarity: str = ""
    unused: tuple[str, ...] = ()
    ions: tuple[str, ...] = ()
    tolerance: float = 0.0
    elements: tuple[str, ...] = ()


@dataclass(frozen=True)
class VolumeLook:
    """How a cube is drawn in three dimensions; nothing is computed from it.

    Attributes
    ----------
    shown : tuple of str
        What is drawn, four at most: "ion:PLACE:NAME", "total" or "map:ID"; empty for a choice of the program.
    mode : "maximum", "surface" or "sections"
    levels : tuple of float
        Where the surface of each lies between nothing and full colour, 0 to 1; 0.5 where it is not said.
    scans : tuple of int
        First and last scan that are drawn, from 0; empty for all.
    smooth : float
        Standard deviation of a Gaussian in voxels by which the drawing is smoothed, 0 for none.
    height : float
        Height of the drawn box over its width.
    opacity : float
        Of surfaces, 0 to 1.
    cuts : tuple of int
        Scan, row and column of the sections; empty for the middle.
    bright : float
        Full colour at the 99.5 % percentile over this.
    """

    shown: tuple[str, ...] = ()
    mode: Literal["maximum", "surface", "sections"] = "maximum"
    levels: tuple[float, ...] = ()
    scans: tuple[int, ...] = ()
    smooth: float = 0.0
    height: float = 0.6
    opacity: float = 1.0
    cuts: tuple[int, ...] = ()
    bright: float = 1.0
