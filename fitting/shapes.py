"""Registry of line shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fitting import lineshapes
from fitting.line_shape import Kind, Shape, ShapeParameter, axis_direction
from fitting.lineshapes.exponential_blend import SMALLEST_DECAY
from fitting.outline import Derived, FloatArray, Window
from libraries.errors import UnknownName

if TYPE_CHECKING:
    from fitting.model import Curve

__all__ = [
    "SHAPES",
    "Derived",
    "Kind",
    "Shape",
    "ShapeParameter",
    "Window",
    "axis_direction",
    "shape",
    "shape_of",
]


def _train_total(
    area: float, position: float, fwhm: float, mix: float, spacing: float, decay: float, *_: float
) -> tuple[float, FloatArray]:
    ratio, slope = lineshapes.plasmon_total(decay)
    return area * ratio, np.array([ratio, 0.0, 0.0, 0.0, 0.0, area * slope, 0.0])


def _no_curve(x: FloatArray, *params: float) -> tuple[FloatArray, FloatArray]:
    """Stands for a measured line that is not there."""
    return SHAPES["measured"].with_curve(None).function(x, *params)  # refuses


def _drude_maximum(area: float, position: float, fwhm: float) -> float:
    return lineshapes.drude_maximum(position, fwhm)


_INFINITY = float("inf")
_AREA = ShapeParameter("area", "I eV", 1.0, 0.0, _INFINITY, "Integral over the whole axis", "area")
_HEIGHT = ShapeParameter("height", "I", 1.0, 0.0, _INFINITY, "Maximum of the line", "height")
_POSITION = ShapeParameter("position", "eV", 0.0, -_INFINITY, _INFINITY, "Energy of the line", "position")
# Widths have no physical limits here; these keep a fit away from lines without width and as wide as a survey.
_FWHM = ShapeParameter("fwhm", "eV", 1.5, 1e-3, 100.0, "Full width at half maximum", "width")
_FWHM_G = ShapeParameter("fwhm_g", "eV", 1.0, 0.0, 100.0, "Full width at half maximum of the Gaussian", "width")
_FWHM_L = ShapeParameter("fwhm_l", "eV", 0.5, 1e-3, 100.0, "Full width at half maximum of the Lorentzian", "width")
_MIX = ShapeParameter("mix", "", 0.3, 0.0, 1.0, "Lorentzian part: 0 Gaussian, 1 Lorentzian", "shape")
_DECAY = ShapeParameter("k", "", 1.5, SMALLEST_DECAY, 50.0, "How fast the tail falls per width", "shape")
# CasaXPS's range of n; exponents of a half and less have no area, and a power of 100 is a Gaussian.
_N = ShapeParameter("n", "", 100.0, 0.0, 499.0, "Index of the Gaussian, 0 for none", "shape")
_ALPHA = ShapeParameter("alpha", "", 1.0, 0.51, 100.0, "Exponent at high binding energy: small is long", "shape")
_BETA = ShapeParameter("beta", "", 1.5, 0.51, 100.0, "Exponent at low binding energy", "shape")
_EDGE_G = ShapeParameter("fwhm_g", "eV", 0.4, 1e-3, 100.0, "Full width at half maximum of the Gaussian", "width")
# Energies below a tenth of an electronvolt are inside every zero-loss peak.
_LOSS = ShapeParameter("position", "eV", 10.0, 0.1, _INFINITY, "Energy loss", "position")
_CASA_COOKBOOK = "CasaXPS Cookbook (Casa Software Ltd, 2026), p. 67, cited after others; unverified"

SHAPES: dict[str, Shape] = {
    entry.name: entry
    for entry in (
        Shape(
            "gl_product",
            "Gaussian-Lorentzian product GL(m)",
            (_AREA, _POSITION, _FWHM, _MIX),
            lineshapes.gl_product_gradient,
            "area/N exp(-4 ln2 (1-m) t²)/(1 + 4 m t²), t = (x - position)/fwhm",
            "G. H. Major et al., Surf. Interface Anal. 54 (3), 2022, doi 10.1002/sia.7050",
        ),
        Shape(
            "gl_sum",
            "Gaussian-Lorentzian sum SGL(m)",
            (_AREA, _POSITION, _FWHM, _MIX),
            lineshapes.gl_sum_gradient,
            "area/N [(1-m) exp(-4 ln2 t²) + m/(1 + 4 t²)], t = (x - position)/fwhm",
            "G. K. Wertheim et al., Rev. Sci. Instrum. 45, 1369 (1974)",
        ),
        Shape(
            "voigt",
            "Voigt",
            (_AREA, _POSITION, _FWHM_G, _FWHM_L),
            lineshapes.voigt_gradient,
            "area Re w(z)/(σ √(2π)), z = (x - position + i fwhm_l/2)/(σ √2), σ = fwhm_g/2.3548",
            "W. Voigt, Sitzungsber. Bayer. Akad. Wiss. 42, 603 (1912)",
        ),
        Shape(
            "gl_tail",
            "Gaussian-Lorentzian sum with exponential tail",
            (
                _AREA,
                _POSITION,
                _FWHM,
                _MIX,
                ShapeParameter("tail", "", 0.2, 0.0, 0.9, "Share of the area in the tail", "shape"),
                ShapeParameter("tail_length", "eV", 1.5, 0.2, 20.0, "Decay length of the tail", "shape"),
            ),
            lineshapes.gl_tail_gradient,
            "area {(1-tail) SGL(m) + tail Gauss(fwhm) ⊗ h(d)}, h half exp(-d/L)/L, half 3 exp(-3 d/L)/L, d > 0, "
            "L = tail_length",
            "E. Grushka, Anal. Chem. 44, 1733 (1972), for the exponentially modified Gaussian",
        ),
        Shape(
            "doniach_sunjic",
            "Doniach-Šunjić",
            (
                _HEIGHT,
                _POSITION,
                _FWHM_L,
                ShapeParameter("asymmetry", "", 0.1, 0.0, 0.49, "Singularity index, 0 symmetric", "shape"),
                _FWHM_G,
            ),
            lineshapes.doniach_sunjic_gradient,
            "height/M Gauss(fwhm_g) ⊗ cos[πa/2 - (1-a) atan(d/g)]/(g² + d²)^((1-a)/2), d = x - position, g = fwhm_l/2",
            "S. Doniach, M. Šunjić, J. Phys. C 3, 285 (1970)",
            finite_area=False,
        ),
        Shape(
            "plasmon_train",
            "Line with plasmon losses",
            (
                ShapeParameter("area", "I eV", 1.0, 0.0, _INFINITY, "Area of the line without its losses", "area"),
                _POSITION,
                _FWHM,
                _MIX,
                ShapeParameter("spacing", "eV", 5.8, 0.1, 100.0, "Plasmon energy (sodium metal 5.7 to 5.9)", "shape"),
                ShapeParameter("decay", "", 0.3, 0.0, 0.95, "Area of a loss relative to the one before", "shape"),
                ShapeParameter("broadening", "eV", 0.5, 0.0, 20.0, "Width that each loss adds", "shape"),
            ),
            lineshapes.plasmon_train_gradient,
            "area Σ decayⁿ SGL(m; position + n spacing, fwhm + n broadening), n = 0 ... 6",
            "P. Steiner, H. Höchst, S. Hüfner, Z. Phys. B 30, 129 (1978)",
            total=_train_total,
        ),
        Shape(
            "la",
            "Asymmetric Lorentzian LA(α,β,n) (approximate)",
            (_AREA, _POSITION, _FWHM, _ALPHA, _BETA, _N),
            lineshapes.la_gradient,
            "area/N Gauss(n) ⊗ L^alpha above, L^beta below the position, L = 1/(1 + 4 t²), t = (x - position)/F; "
            "F and the width of the Gaussian follow fwhm and n: known at n = 0 and 100, interpolated between",
            "G. H. Major et al., Vacuum Technology & Coating, March 2020; N. Fairley et al., J. Vac. Sci. Technol. A "
            "41 (2023)",
        ),
        Shape(
            "lf",
            "Asymmetric Lorentzian of finite tail LF(α,β,w,n,m) (approximate)",
            (
                _AREA,
                _POSITION,
                _FWHM,
                replace(_ALPHA, minimum=0.05),
                replace(_BETA, minimum=0.05),
                ShapeParameter("w", "", 50.0, 0.5, 1000.0, "Where the tails steepen, in widths", "shape"),
                _N,
                ShapeParameter("m", "", 6.0, 0.0, 499.0, "Kept for CasaXPS; its effect is not published", "shape"),
            ),
            lineshapes.lf_gradient,
            "as LA with exponents e(t) = 3 - (3 - alpha)/(1 + 4 (t/w)²)",
            "G. H. Major et al., Vacuum Technology & Coating, April 2020",
        ),
        Shape(
            "gl_t",
            "Gaussian-Lorentzian product with tail GL(m)T(k)",
            (_AREA, _POSITION, _FWHM, _MIX, _DECAY),
            lineshapes.gl_t_gradient,
            "area/N [G + (1 - G) exp(-k t)] above the position, G below, G = GL(m), t = (x - position)/fwhm",
            _CASA_COOKBOOK,
        ),
        Shape(
            "sgl_t",
            "Gaussian-Lorentzian sum with tail SGL(m)T(k)",
            (_AREA, _POSITION, _FWHM, _MIX, _DECAY),
            lineshapes.sgl_t_gradient,
            "area/N [G + (1 - G) exp(-k t)] above the position, G below, G = SGL(m), t = (x - position)/fwhm",
            _CASA_COOKBOOK,
        ),
        Shape(
            "gelius",
            "Gelius A(a,b,0)GL(m)",
            (
                _HEIGHT,
                _POSITION,
                _FWHM,
                _MIX,
                ShapeParameter("a", "", 0.2, 0.0, 1.0, "Length of the tail", "shape"),
                ShapeParameter("b", "", 0.4, 0.0, 1.0, "Size of the tail", "shape"),
            ),
            lineshapes.gelius_gradient,
            "height {GL(m) + w [exp(-(u/(1 + a u))²) - exp(-u²)]} above the position, GL(m) below, "
            "u = 2 √(ln 2) (x - position)/fwhm, w = b [0.7 + 0.3/(a + 0.01)]",
            "Peak Fitting in XPS (Casa Software Ltd, 2006), p. 20, cited after others; unverified",
            finite_area=False,
        ),
        Shape(
            "emg",
            "Exponentially modified Gaussian",
            (
                _AREA,
                _POSITION,
                _FWHM,
                ShapeParameter("tail_length", "eV", 0.5, 0.02, 100.0, "Decay length of the exponential", "width"),
            ),
            lineshapes.emg_gradient,
            "area Gauss(fwhm) ⊗ exp(-d/L)/L, d > 0, L = tail_length",
            "E. Grushka, Anal. Chem. 44, 1733 (1972)",
        ),
        Shape(
            "measured",
            "Measured line",
            (_AREA, _POSITION, replace(_FWHM_G, default=0.0, description="Width of a Gaussian that broadens it")),
            _no_curve,
            "area/N Gauss(fwhm_g) ⊗ the line, moved to the position; straight between its points",
            "A line of the project; broadened as in W. Voigt, Sitzungsber. Bayer. Akad. Wiss. 42, 603 (1912)",
            takes_curve=True,
        ),
        Shape(
            "fermi_edge",
            "Fermi edge (step)",
            (
                _HEIGHT,
                _POSITION,
                # k = 8.617333e-5 eV/K (CODATA 2018) times 298.15 K.
                ShapeParameter("kt", "eV", 0.025693, 1e-4, 1.0, "Thermal energy kT", "shape"),
                _EDGE_G,
            ),
            lineshapes.fermi_edge_gradient,
            "height Gauss(fwhm_g) ⊗ 1/[1 + exp(-(x - position)/kt)]",
            "E. Fermi, Z. Phys. 36, 902 (1926)",
            finite_area=False,
            step=True,
        ),
        Shape(
            "step_erf",
            "Step, Gaussian",
            (_HEIGHT, _POSITION, _FWHM),
            lineshapes.step_erf_gradient,
            "height Φ((x - position)/σ), σ = fwhm/2.3548",
            "M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 26.2",
            finite_area=False,
            step=True,
        ),
        Shape(
            "step_arctan",
            "Step, Lorentzian",
            (_HEIGHT, _POSITION, _FWHM),
            lineshapes.step_arctan_gradient,
            "height [1/2 + atan(2 (x - position)/fwhm)/π]",
            "F. K. Richtmyer, S. W. Barnes, E. Ramberg, Phys. Rev. 46, 843 (1934)",
            finite_area=False,
            step=True,
        ),
        Shape(
            "drude",
            "Plasmon (Drude)",
            (
                _AREA,
                replace(_LOSS, description="Plasmon energy Ep"),
                replace(_FWHM, description="Damping: the full width at half maximum of a narrow plasmon"),
            ),
            lineshapes.drude_gradient,
            "area/N Ep² E G/[(E² - Ep²)² + (E G)²], E > 0, Ep = position, G = fwhm, "
            "N = Ep² (2/G) atan(q)/q, q² = 4 Ep²/G² - 1",
            "R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), 3.3",
            quantity="energy_loss",
            maximum=_drude_maximum,
        ),
        Shape(
            "edge_step",
            "Ionisation edge (step)",
            (
                replace(_HEIGHT, description="Intensity at the onset if it were sharp"),
                replace(_LOSS, default=100.0, description="Onset: half of the step"),
                replace(_FWHM, default=1.0, description="Width of the onset: of the Gaussian that smears it"),
                # Cross sections of shells fall as E^-2 to E^-6 behind their edge, less than that near the onset.
                ShapeParameter("exponent", "", 3.0, 0.0, 10.0, "How the intensity falls behind the onset", "shape"),
            ),
            lineshapes.edge_step_gradient,
            "height Φ((E - position)/σ) (E/position)^-exponent, E > 0, σ = fwhm/2.3548",
            "R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), 3.7",
            finite_area=False,
            step=True,
            quantity="energy_loss",
        ),
    )
}


def shape(name: str) -> Shape:
    """The shape of a name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    try:
        return SHAPES[name]
    except KeyError:
        raise UnknownName(f"No shape is called {name}", todo=f"Known shapes: {', '.join(SHAPES)}") from None


class HasShape(Protocol):
    """A component of a model, as far as its shape goes."""

    @property
    def shape(self) -> str:
        """Key of the registry."""
        ...

    @property
    def curve(self) -> Curve | None:
        """The measured line of a shape that takes one."""
        ...


def shape_of(component: HasShape) -> Shape:
    """The shape of a component, with its measured line where it has one.

    Raises
    ------
    UnknownName
        If there is no such shape.
    BadModel
        If the shape needs a measured line and the component has none.
    """
    return shape(component.shape).with_curve(component.curve)
