"""The low-loss model: plasmons broadened by the measured zero loss, plural scattering by links, edges at their sites.

A choice of parts becomes an ordinary model (`fitting.model.FitModel`), to be edited and fitted like any other. Energies
count from the zero-loss peak, which must lie at 0 eV.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.drude import loss_function
from fitting.eels.kinematics import Beam
from fitting.eels.log_ratio import first_minimum, gain_of
from fitting.eels.zero_loss import locate
from fitting.model import Background, Component, Curve, FitModel
from fitting.param import Param
from libraries.edges import edge
from libraries.errors import BadData, NotDetermined

EGERTON = "R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3"
HOU = "J. Hou et al., Small 2023, doi 10.1002/smll.202301415"
JIANG = "L. Jiang et al., J. Mater. Res. 23, 2467 (2008)"
POLITANO = "A. Politano et al., J. Chem. Phys. 126, 244712 (2007)"
CHOSEN = "bounds chosen"
_OFF_ZERO = 0.25  # of the peak's width, and of a channel: so far may the zero loss lie off 0 eV
_TOP = 46.0  # eV, end of the region where the axis reaches further
_DARK = 10  # channels left out at the end of the axis
ZERO = "zl"


@dataclass(frozen=True)
class Part:
    """A part that can be chosen.

    Attributes
    ----------
    key, title : str
    source : str
        Where its energies come from.
    needs : tuple of str
        Parts without which it makes no sense.
    default : bool
        Whether it is chosen at first.
    """

    key: str
    title: str
    source: str
    needs: tuple[str, ...] = ()
    default: bool = True


PARTS: tuple[Part, ...] = (
    Part("pi", "π–π* of carbon, 5.4 eV", f"5.4 eV: {HOU}; graphite 6 to 7 eV; width 1.5 to 5 eV {CHOSEN}"),
    Part("oth", "Other interband losses, 7.5 to 12 eV", f"upper flank of the π loss, or of a compound; {CHOSEN}",
         default=False),
    Part("na", "Na bulk plasmon, 5.7 eV", f"5.7 eV: {HOU}; 5.7 and 5.8 eV: {JIANG}; width 0.15 to 0.8 eV {CHOSEN}"),
    Part("na2", "Na double plasmon", f"plural scattering: 2 Ep, 2 Γ, area A²/(2 I0); {EGERTON}", ("na",)),
    Part("na_s", "Na surface plasmon, 3.9 eV", f"3.9 eV in layers, 3.0 eV in islands: {POLITANO}", ("na",)),
    Part("na_b", "Na surface with bulk, 9.6 eV", f"plural scattering: Es + Ep, area As A/I0; {EGERTON}",
         ("na", "na_s")),
    Part("ps", "π+σ, about 23 eV", f"22 to 27 eV in carbons, 20 to 25 eV in compounds; {CHOSEN}"),
    Part("na_l", "Na L2,3 edge, 31 eV", f"31 eV: edge library; 32 eV in sodiated carbon: {HOU}"),
    Part("na_x", "Na L2,3 exciton doublet", "sharp doublet at the edge of sodium halides, "
         "spin-orbit splitting 0.15 eV: S. Nakai et al., J. Phys. Soc. Jpn. 24, 1197 (1968)", ("na_l",), default=False),
    Part("v_m", "V M2,3 edge, 38 eV", "edge library", default=False),
)  # fmt: skip
METAL: tuple[Part, ...] = (
    Part("vol", "Volume plasmon", EGERTON),
    Part("vol2", "Double plasmon", f"plural scattering: 2 Ep, 2 Γ, area A²/(2 I0); {EGERTON}", ("vol",)),
    Part("sur", "Surface plasmon", f"below Ep/√2, lower under an oxide; {EGERTON}", ("vol",)),
    Part("con", "Oxide and single electrons, broad", f"{CHOSEN}", ("vol",)),
)
SOURCES = {part.key: part.source for part in (*PARTS, *METAL)}


@dataclass(frozen=True, eq=False)
class Zero:
    """The zero loss as a model needs it.

    Attributes
    ----------
    centre, fwhm : float
        eV.
    limit : float
        First energy at which losses are seen, eV above the centre.
    curve : Curve
        Its core, on the energies of the axis.
    area : float
        I0 times the channel width: intensity unit times eV, as areas of peaks are.
    """

    centre: float
    fwhm: float
    limit: float
    curve: Curve
    area: float


def zero_of(spectrum: Spectrum) -> Zero:
    """The zero loss of a single spectrum.

    Raises
    ------
    BadData, NotDetermined
        If there is no usable peak, or its end is not seen.
    """
    peak = locate(spectrum.x, spectrum.y)
    centre, fwhm = float(peak.position), float(peak.fwhm)
    gain = gain_of(spectrum)
    limit = first_minimum(spectrum.x, spectrum.y, gain if math.isfinite(gain) else 1.0) - centre
    energy = spectrum.x - centre
    # The core alone broadens: further out lie losses, and the dark level.
    core = (energy >= -min(limit, 4.0 * fwhm)) & (energy <= min(limit, 4.0 * fwhm))
    below = energy < limit
    # On the energies of the axis: a loss is the difference to where the elastic electrons are, not to a fitted centre.
    curve = Curve(tuple(spectrum.x[core]), tuple(np.maximum(spectrum.y[core], 0.0)), "zero loss")
    area = float(np.sum(spectrum.y[below])) * spectrum.axis.step
    return Zero(centre, fwhm, limit, curve, area)


def check_at_zero(spectrum: Spectrum, zero: Zero) -> None:
    """Refuse a spectrum whose zero loss lies elsewhere.

    Raises
    ------
    BadData
    """
    if abs(zero.centre) > max(_OFF_ZERO * zero.fwhm, _OFF_ZERO * spectrum.axis.step):
        raise BadData(f"The zero-loss peak lies at {zero.centre:.3f} eV", where=spectrum.name,
                      todo="Align it, or set it to 0, on the Zero loss page")


def angular_shift(position: float, width: float, beam: Beam) -> float:
    """How far the fitted energy of a plasmon lies above Ep because small losses are collected better, in eV.

    The losses are Im(-1/eps) times ln(1 + beta^2/theta_E^2), which falls with energy; a Drude line fitted to that lies
    a little low. The shift is that of a fit to the line itself within two eV, on a tenth of its height as background.

    Parameters
    ----------
    position, width : float
        Ep and its width, eV.
    beam : Beam

    Returns
    -------
    float
        Negative; to be subtracted from the fitted energy.

    Raises
    ------
    NotDetermined
        If beam energy or an angle is not known.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3.
    """
    energy = np.linspace(max(position - 2.0, 0.1 * position), position + 2.0, 801)
    factor = np.log1p((beam.effective_collection(energy) / beam.characteristic_angle(energy)) ** 2)
    line, slopes = loss_function(energy, position, width)
    weight = 1.0 / (line + 0.1 * float(np.max(line)))
    # One linear step about the true line: the shift is a small part of the width.
    basis = np.stack((line, *slopes))
    normal = (basis * weight) @ basis.T
    seen = line * factor / np.interp(position, energy, factor)
    return float(np.linalg.solve(normal, (basis * weight) @ (seen - line))[1])


def low_loss_model(
    spectrum: Spectrum, parts: Iterable[str], *, region: tuple[float, float] | None = None, name: str = ""
) -> FitModel:
    """A model of chosen parts, with starting values from the data.

    Parameters
    ----------
    spectrum : Spectrum
        Single, with its zero-loss peak at 0 eV.
    parts : iterable of str
        Keys of `PARTS` or `METAL`.
    region : (low, high), optional
        In eV; by default from the end of the zero loss to 46 eV or the end of the axis.

    Returns
    -------
    FitModel
        Background: the tail of the zero loss as a power law. Component `zl` holds I0 for the links of plural
        scattering; it lies outside the region.

    Raises
    ------
    BadData, NotDetermined
        If the zero loss is not usable or not at 0 eV, or nothing is chosen that lies on the axis.
    """
    zero = zero_of(spectrum)
    check_at_zero(spectrum, zero)
    keys = set(parts)
    known = {part.key: part for part in (*PARTS, *METAL)}
    for key in tuple(keys):
        if key not in known:
            raise BadData(f"There is no part {key}", where="low-loss model")
        lost = [known[need].title for need in known[key].needs if need not in keys]
        if lost:
            raise BadData(f"{known[key].title} needs {', '.join(lost)}", where="low-loss model")
    if region is None:
        # The last channels of a detector are often dark.
        end = float(spectrum.x[-1]) - _DARK * spectrum.axis.step
        region = (max(zero.limit, 1.5 * zero.fwhm), min(_TOP, end))
    seen = spectrum.window(*region)
    build = _Builder(seen, zero)
    components = [c for key in known if key in keys for c in build.components(key)]
    if not components:
        raise NotDetermined("None of the chosen parts lies on the axis", where=spectrum.name)
    if keys & {"na2", "na_b", "vol2"}:
        components.insert(0, build.zero_loss())
    return FitModel(region, build.tail(), tuple(components), name or "Low loss", response=zero.curve)


@dataclass(frozen=True, eq=False)
class _Builder:
    """Components with starting values from a spectrum, shown region only."""

    seen: Spectrum
    zero: Zero

    def zero_loss(self) -> Component:
        area, place = Param(self.zero.area, 0.0, vary=False), Param(0.0, vary=False)
        return Component(ZERO, "Zero loss (I0, held)", "measured", {"area": area, "position": place,
                         "fwhm_g": Param(0.0, 0.0, vary=False)}, quantify=False, curve=self.zero.curve)

    def tail(self) -> Background:
        """Power law through the first tenth of the region, falling as E^-2 at first."""
        x, y = self.seen.x, self.seen.y
        n = max(x.size // 50, 3)
        start = max(float(np.mean(y[:n])), 1e-3 * float(np.max(y)))
        middle = 0.5 * float(x[0] + x[-1])
        amplitude = 0.7 * start * (float(np.mean(x[:n])) / middle) ** 2
        return Background("power_law", {"amplitude": Param(amplitude, 0.0), "exponent": Param(2.0, 0.0, 6.0)})

    def level(self, low: float, high: float) -> float:
        """Mean intensity in a range; 0 where it lies outside."""
        part = (self.seen.x >= low) & (self.seen.x <= high)
        return float(np.mean(self.seen.y[part])) if part.any() else 0.0

    def components(self, key: str) -> list[Component]:
        """The components of one part; none where it lies outside the region."""
        maker = getattr(self, f"_{key}")
        return list(maker())

    def _drude(self, id: str, name: str, at: float, bounds: tuple[float, float], fwhm: float,
               widths: tuple[float, float], share: float, source: str) -> Component:
        height = share * max(self.level(at - 0.2 * fwhm, at + 0.2 * fwhm), 1e-6)
        area = max(height * fwhm * math.pi / 2.0, 1e-9)
        return Component(id, name, "drude", {
            "area": Param(area, 0.0), "position": Param(at, *bounds), "fwhm": Param(fwhm, *widths),
        }, source=source, quantify=False, broadened=True)  # fmt: skip

    def _double(self, id: str, name: str, of: Component, source: str) -> Component:
        single = {key: param.value for key, param in of.params}
        area = single["area"] ** 2 / (2.0 * self.zero.area)
        return Component(id, name, "drude", {
            "area": Param(area, link=f"{of.id}.area * {of.id}.area / (2 * {ZERO}.area)"),
            "position": Param(2.0 * single["position"], link=f"2 * {of.id}.position"),
            "fwhm": Param(2.0 * single["fwhm"], link=f"2 * {of.id}.fwhm"),
        }, source=source, quantify=False, broadened=True)  # fmt: skip

    def _inside(self, energy: float) -> bool:
        return float(self.seen.x[0]) < energy < float(self.seen.x[-1])

    def _pi(self) -> list[Component]:
        return [self._drude("pi", "π–π*", 5.6, (4.5, 7.5), 2.5, (1.5, 5.0), 0.4, SOURCES["pi"])]

    def _oth(self) -> list[Component]:
        return [self._drude("oth", "Other interband", 9.0, (7.5, 12.0), 2.5, (1.0, 4.0), 0.2, SOURCES["oth"])]

    def _na(self) -> list[Component]:
        return [self._drude("na", "Na bulk plasmon", 5.7, (5.45, 6.1), 0.45, (0.15, 0.8), 0.3, SOURCES["na"])]

    def _na2(self) -> list[Component]:
        return [self._double("na2", "Na double plasmon", self._na()[0], SOURCES["na2"])]

    def _na_s(self) -> list[Component]:
        return [self._drude("na_s", "Na surface plasmon", 3.9, (3.0, 4.3), 0.6, (0.2, 1.5), 0.2, SOURCES["na_s"])]

    def _na_b(self) -> list[Component]:
        bulk, surface = self._na()[0], self._na_s()[0]
        one, two = ({key: param.value for key, param in c.params} for c in (bulk, surface))
        return [Component("na_b", "Na surface with bulk", "drude", {
            "area": Param(one["area"] * two["area"] / self.zero.area, link=f"na.area * na_s.area / {ZERO}.area"),
            "position": Param(one["position"] + two["position"], link="na.position + na_s.position"),
            "fwhm": Param(one["fwhm"] + two["fwhm"], link="na.fwhm + na_s.fwhm"),
        }, source=SOURCES["na_b"], quantify=False, broadened=True)]  # fmt: skip

    def _ps(self) -> list[Component]:
        return [self._drude("ps", "π+σ", 23.0, (18.0, 28.0), 12.0, (5.0, 25.0), 0.9, SOURCES["ps"])]

    def _na_l(self) -> list[Component]:
        if not self._inside(31.0):
            return []
        return [self._edge("na_l", "Na L2,3", 31.1, (29.5, 34.5), SOURCES["na_l"])]

    def _na_x(self) -> list[Component]:
        if not self._inside(33.0):
            return []
        area = 0.05 * max(self.level(31.0, 34.0), 1e-6)
        major = {"area": Param(area, 0.0), "position": Param(33.0, 30.5, 35.0), "fwhm": Param(0.6, 0.2, 2.0),
                 "mix": Param(0.0, 0.0, 1.0, vary=False)}
        minor = {"area": Param(area, link="na_x.area / 2"), "position": Param(33.1, link="na_x.position + 0.15"),
                 "fwhm": Param(0.6, link="na_x.fwhm"), "mix": Param(0.0, 0.0, 1.0, vary=False)}
        return [Component("na_x", "Na L3 exciton", "gl_sum", major, source=SOURCES["na_x"], quantify=False,
                          broadened=True),
                Component("na_x2", "Na L2 exciton", "gl_sum", minor, source=SOURCES["na_x"], quantify=False,
                          broadened=True)]

    def _v_m(self) -> list[Component]:
        onset = edge("V M2,3").energy
        return [self._edge("v_m", "V M2,3", onset, (onset - 3.0, onset + 4.0), SOURCES["v_m"])] \
            if self._inside(onset) else []

    def _edge(self, id: str, name: str, onset: float, bounds: tuple[float, float], source: str) -> Component:
        height = 0.1 * max(self.level(onset - 0.5, onset + 0.5), 1e-6)
        return Component(id, name, "edge_step", {
            "height": Param(height, 0.0), "position": Param(onset, *bounds), "fwhm": Param(0.8, 0.2, 3.0, vary=False),
            "exponent": Param(2.0, 0.0, 10.0, vary=False),
        }, source=source, quantify=False, broadened=True)  # fmt: skip

    # -- free-electron metals -----------------------------------------------------------------------------------

    def _vol(self) -> list[Component]:
        top = self._strongest()
        return [self._drude("vol", "Volume plasmon", top, (max(top - 2.0, 1.0), top + 2.0), 0.8, (0.1, 6.0), 1.0,
                            SOURCES["vol"])]

    def _vol2(self) -> list[Component]:
        return [self._double("vol2", "Double plasmon", self._vol()[0], SOURCES["vol2"])]

    def _sur(self) -> list[Component]:
        top = self._strongest()
        return [self._drude("sur", "Surface plasmon", 0.45 * top, (0.3 * top, 0.75 * top), 0.2 * top,
                            (0.02 * top, 0.8 * top), 0.6, SOURCES["sur"])]

    def _con(self) -> list[Component]:
        top = self._strongest()
        return [self._drude("con", "Oxide and single electrons", 1.4 * top, (0.8 * top, 3.0 * top), 0.8 * top,
                            (0.4 * top, 3.0 * top), 0.6, SOURCES["con"])]

    def _strongest(self) -> float:
        """The energy of the highest loss beyond the tail."""
        x, y = self.seen.x, _smooth(self.seen.y)
        behind = x > max(3.0, 1.5 * float(x[0]))
        if not behind.any():
            raise NotDetermined("The region holds no plasmon", where=self.seen.name)
        return float(x[behind][int(np.argmax(y[behind]))])


def _smooth(y: FloatArray) -> FloatArray:
    return np.convolve(y, np.full(5, 0.2), mode="same")
