"""Registry of backgrounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fitting.backgrounds.tougaard import LOSS_CLASSES
from fitting.line_shape import ShapeParameter
from libraries.errors import UnknownName

_INFINITY = float("inf")


@dataclass(frozen=True)
class BackgroundKind:
    """A background as the program knows it.

    Attributes
    ----------
    name, title : str
        Key of the registry, and the name that people read.
    parameters : tuple of ShapeParameter
        What a fit may vary; none for a static kind.
    static : bool
        Whether it is taken from the data before the fit.
    formula, reference : str
    options : mapping
        What a static kind takes besides its settings, with the defaults.
    fixed : tuple of str
        Parameters that a new model holds at their default.
    settings : tuple of ShapeParameter
        Numbers of a static kind that are not fitted (`fitting.model.Background.settings`).
    anchored : bool
        Whether it runs through `fitting.model.Background.anchors`.
    quantity : str
        The only quantity of an axis that it stands on: its formula counts from that axis's zero. "" for any.
    """

    name: str
    title: str
    parameters: tuple[ShapeParameter, ...]
    static: bool
    formula: str
    reference: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    settings: tuple[ShapeParameter, ...] = ()
    anchored: bool = False
    quantity: str = ""

    def stands_on(self, quantity: str) -> bool:
        """Whether it can be used on an axis of this quantity."""
        return self.quantity in ("", quantity)

    @property
    def group(self) -> str:
        """Heading in menus."""
        if self.static:
            return "From the data"
        return "Fitted with the peaks" if self.parameters else ""

    def parameter(self, name: str) -> ShapeParameter:
        """The parameter of a name."""
        for entry in self.parameters:
            if entry.name == name:
                return entry
        raise UnknownName(f"The background {self.title} has no parameter {name}", where=self.name)


_LEVEL = ShapeParameter("level", "I", 0.0, -_INFINITY, _INFINITY, "Level below the peaks", "level")
_MIDDLE = ShapeParameter("level", "I", 0.0, -_INFINITY, _INFINITY, "Level in the middle of the window", "level")
_SLOPE = ShapeParameter("slope", "I/eV", 0.0, -_INFINITY, _INFINITY, "Slope along the binding energy", "slope")
_TILT = ShapeParameter("tilt", "I/eV", 0.0, -_INFINITY, _INFINITY, "Slope that the peaks do not cause", "slope")
# Real lines have steps of about 0.01 to 0.1 per eV; Tougaard's universal loss function begins with a slope of
# 2866/1643**2 = 0.001 per eV². The limits leave a factor of ten and more.
_STEP = ShapeParameter("step", "1/eV", 0.02, 0.0, 1.0, "Rise of the background per area of the peaks", "step")
_LOSS = ShapeParameter("loss_slope", "1/eV²", 0.001, 0.0, 0.01, "Rise of its slope per area of the peaks", "step")
# Universal class: S. Tougaard, Surf. Interface Anal. 25, 137 (1997), in the notation of CasaXPS, where it is the
# three-parameter form with c below zero and d = 0. The strength may depart from a class by what surfaces and layers do.
_STRENGTH = ShapeParameter("b", "eV²", 2866.0, 0.0, 20000.0, "Strength B of the loss function", "step")
_FORM = ShapeParameter("c", "eV²", -1643.0, -10000.0, 2000.0, "Form C of the loss function", "step")
_WIDTH = ShapeParameter("d", "eV²", 0.0, 0.0, 2000.0, "Width D of the loss function", "step")
# Free-electron metals: the plasmon's form is that of the Al class; 5.8 eV is sodium's (L. Jiang et al., J. Mater. Res.
# 23, 2467 (2008)), its width is of the order that electron energy-loss spectra show.
_PLASMON = (
    ShapeParameter("plasmon", "", 0.1, 0.0, 1.0, "Probability of a plasmon loss", "step"),
    ShapeParameter("energy", "eV", 5.8, 2.0, 40.0, "Plasmon energy", "width"),
    ShapeParameter("width", "eV", 1.0, 0.2, 10.0, "Width of the plasmon", "width"),
)
# The active background has no threshold energy: the classes without one.
TOUGAARD_CLASSES: Mapping[str, tuple[float, float, float]] = {
    name: (b, c, d) for name, (b, c, d, t0) in LOSS_CLASSES.items() if t0 == 0
}
_STEP_HEIGHT = ShapeParameter("height", "I", 0.0, -_INFINITY, _INFINITY, "Height of the step", "level")
_STEP_PLACE = ShapeParameter("position", "eV", 0.0, -_INFINITY, _INFINITY, "Middle of the step", "position")
_STEP_WIDTH = ShapeParameter("width", "eV", 1.5, 0.05, 50.0, "Full width at half maximum of its slope", "width")
_CURVE = ShapeParameter("quadratic", "I/eV²", 0.0, -_INFINITY, _INFINITY, "Second power", "slope")
_CUBIC = ShapeParameter("cubic", "I/eV³", 0.0, -_INFINITY, _INFINITY, "Third power", "slope")

_AMPLITUDE = ShapeParameter("amplitude", "I", 0.0, 0.0, _INFINITY, "Level in the middle of the window", "level")
# Tails of zero-loss peaks and of edges fall with powers of 2 to 6 (Egerton 2011, 4.4.1).
_EXPONENT = ShapeParameter("exponent", "", 3.0, 0.0, 12.0, "How it falls with the energy loss", "step")

# Settings of the static kinds. What CasaXPS counts its offsets from, and their sign, is not published: these are the
# program's own.
_LOW_OFFSET = ShapeParameter(
    "low_offset", "%", 0.0, -100.0, 100.0, "Raises the end at low binding energy by a part of its level", "level"
)
_HIGH_OFFSET = ShapeParameter(
    "high_offset", "%", 0.0, -100.0, 100.0, "Raises the end at high binding energy by a part of its level", "level"
)
_ENDS = (_LOW_OFFSET, _HIGH_OFFSET)
_RAMP = ShapeParameter(
    "slope", "I/eV", 0.0, -_INFINITY, _INFINITY, "Slope that is taken off before and put back after", "slope"
)
_LOSSES = (
    ShapeParameter("b", "eV²", 2866.0, 0.0, 1e6, "Strength B of the loss function", "step"),
    ShapeParameter("c", "eV²", -1643.0, -1e5, 1e5, "Form C of the loss function", "step"),
    ShapeParameter("d", "eV²", 0.0, 0.0, 1e5, "Width D of the loss function", "step"),
    ShapeParameter("t0", "eV", 0.0, 0.0, 100.0, "Smallest loss T0", "step"),
    ShapeParameter("rescale", "", 1.0, 0.0, 1.0, "1: B such that the end at high binding energy is met", "step"),
)

_SHIRLEY = {"average": 0, "quadrature": "casa", "tol": 1e-6, "max_iter": 50}

KINDS: dict[str, BackgroundKind] = {
    entry.name: entry
    for entry in (
        # Which of its parameters a new model lets free was measured on simulated lines above true inelastic losses
        # (N, C, F, Na 1s and sp2 C 1s of the sample project): areas are off by 0.1 to 1.0 % with step and loss slope,
        # by 2 to 10 % without the slope. A free tilt gains no accuracy and makes the error of an area 1.1 to 2.7 times
        # as large.
        BackgroundKind(
            "shirley_active",
            "Shirley with slope, fitted with the peaks",
            (_LEVEL, _TILT, _STEP, _LOSS),
            False,
            "level + tilt (x - middle) + step ∫S + loss_slope ∬S, from the low-binding-energy side, S the peaks",
            "A. Herrera-Gomez et al., Surf. Interface Anal. 46, 897 (2014); "
            "Murakami, e-J. Surf. Sci. Nanotech. 17, 61 (2019)",
            fixed=("tilt",),
        ),
        BackgroundKind(
            "tougaard_active",
            "Tougaard, fitted with the peaks",
            (_MIDDLE, _TILT, _STRENGTH, _FORM, _WIDTH),
            False,
            "level + tilt (x - middle) + ∫ b T/[(c - T²)² + d T²] S(x - T) dT, "
            "S the peaks and all that they lost already",
            "S. Tougaard, Surf. Interface Anal. 11, 453 (1988); 25, 137 (1997)",
            fixed=("c", "d"),
        ),
        BackgroundKind(
            "tougaard_plasmon",
            "Tougaard and plasmon, fitted with the peaks",
            (_MIDDLE, _TILT, _STRENGTH, _FORM, _WIDTH, *_PLASMON),
            False,
            "as Tougaard, with plasmon (2 energy width/π) T/[(energy² - T²)² + width² T²] added to its "
            "loss function",
            "S. Tougaard, Surf. Interface Anal. 25, 137 (1997): the form of its class Al",
            fixed=("tilt", "c", "d"),
        ),
        BackgroundKind(
            "linear_active", "Line, fitted with the peaks", (_MIDDLE, _SLOPE), False, "level + slope (x - middle)"
        ),
        BackgroundKind("constant", "Constant, fitted with the peaks", (_MIDDLE,), False, "level"),
        BackgroundKind(
            "polynomial",
            "Polynomial, fitted with the peaks",
            (_MIDDLE, _SLOPE, _CURVE, _CUBIC),
            False,
            "level + slope d + quadratic d² + cubic d³, d = x - middle; held at 0, a power is left out",
            fixed=("cubic",),
        ),
        BackgroundKind(
            "step_erf",
            "Step (Gaussian), fitted with the peaks",
            (_MIDDLE, _SLOPE, _STEP_HEIGHT, _STEP_PLACE, _STEP_WIDTH),
            False,
            "level + slope (x - middle) + height Φ((x - position)/σ), σ = width/2.3548",
            fixed=("slope",),
        ),
        BackgroundKind(
            "step_arctan",
            "Step (arctangent), fitted with the peaks",
            (_MIDDLE, _SLOPE, _STEP_HEIGHT, _STEP_PLACE, _STEP_WIDTH),
            False,
            "level + slope (x - middle) + height [1/2 + atan(2 (x - position)/width)/π]",
            fixed=("slope",),
        ),
        BackgroundKind(
            "power_law",
            "Power law, fitted with the peaks",
            (_AMPLITUDE, _EXPONENT),
            False,
            "amplitude (E/E_c)^-exponent, E_c the middle of the window, which lies above 0",
            "R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), 4.4",
            quantity="energy_loss",
        ),
        BackgroundKind(
            "shirley",
            "Shirley between the region ends",
            (),
            True,
            "I_0 + (I_1 - I_0) ∫(y - B)/∫(y - B) over the region, repeated",
            "D. A. Shirley, Phys. Rev. B 5, 4709 (1972); A. Proctor, P. M. A. Sherwood, Anal. Chem. 54, 13 (1982)",
            options=_SHIRLEY,
            settings=(_RAMP, *_ENDS),
        ),
        BackgroundKind(
            "shirley_smart",
            "Shirley, never above the data",
            (),
            True,
            "as Shirley, cut to the data in every pass: low by about the noise",
            "CasaXPS's Smart background; the cut is the program's own",
            options=_SHIRLEY,
            settings=(_RAMP, *_ENDS),
        ),
        BackgroundKind(
            "tougaard",
            "Tougaard between the region ends",
            (),
            True,
            "I_0 + ∫ b T/[(c - T²)² + d T²] [y(x - T) - I_0] dT, T ≥ t0; b such that the other end is met",
            "S. Tougaard, Surf. Interface Anal. 11, 453 (1988); 25, 137 (1997)",
            options={"average": 0},
            settings=(*_LOSSES, _RAMP, *_ENDS),
        ),
        BackgroundKind(
            "linear",
            "Line between the region ends",
            (),
            True,
            "line through the averaged end levels",
            options={"average": 0},
            settings=_ENDS,
        ),
        BackgroundKind(
            "level",
            "Constant from the low end",
            (),
            True,
            "averaged level of the low-binding-energy end",
            options={"average": 0},
            settings=(_LOW_OFFSET,),
        ),
        BackgroundKind(
            "spline",
            "Spline through anchors",
            (),
            True,
            "cubic pieces (or lines) through anchors, each the averaged data at its energy plus an offset",
            "F. N. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984)",
            options={"anchors": ()},
            settings=(ShapeParameter("curved", "", 1.0, 0.0, 1.0, "1: cubic pieces; 0: straight lines", "step"),),
            anchored=True,
        ),
        BackgroundKind("none", "None", (), False, "0"),
    )
}
DEFAULT_KIND = "shirley_active"
def kind(name: str) -> BackgroundKind:
    """The background of a name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownName(f"No background is called {name}", todo=f"Known backgrounds: {', '.join(KINDS)}") from None
