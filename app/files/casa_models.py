"""CasaXPS's regions and components as fit models: windows, backgrounds, shapes, bounds and links.

Decisions
---------
Energies of CasaXPS are kinetic and on the calibrated scale; models stand on the axis of the spectrum after its energy
shift, which `CasaModels.shift` gives. Whoever takes the models makes that shift one step of the recipe.

Parents of links are components of the same block. A link whose parent is in another region cannot stand in a model and
is given in `ties`. What is not understood is refused with a warning and stays in the spectrum's comments; nothing is
replaced by something similar. Everything that our model has no place for is kept in the `extra` of components and
regions under names that begin with "casa"; "casa line" is the whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.files.casa import CasaComponent, CasaInfo, CasaRegion, casa_info
from app.files.casa_backgrounds import SETTINGS, VERIFIED_WIDTH, average_of, kind_of
from app.files.casa_levels import line_of, with_doublets
from app.files.casa_scale import DECIMALS, CasaScale, casa_shift, scale_of
from app.files.casa_shapes import UNVERIFIED, shape_of
from fitting.dataset import Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Notes, Param
from fitting.recipe import Recipe, energy_shift
from fitting.shapes import SHAPES
from libraries.errors import BadModel

LINE = "casa line"


@dataclass(frozen=True)
class CasaTie:
    """A link into another region: parameter `target` of model number `model` follows `source` of model `other`.

    `formula` has "{}" where the source stands.
    """

    model: int
    target: str
    other: int
    source: str
    formula: str


@dataclass(frozen=True)
class CasaModels:
    """What CasaXPS stored with a spectrum, as models.

    Attributes
    ----------
    models : tuple of FitModel
        One a region, on the axis after the shift.
    shift : float
        Energy shift in eV of binding energy that belongs to them.
    warnings : tuple of str
        What was not understood or not taken.
    ties : tuple of CasaTie
        Links from one region into another.
    """

    models: tuple[FitModel, ...] = ()
    shift: float = 0.0
    warnings: tuple[str, ...] = ()
    ties: tuple[CasaTie, ...] = ()


def models_of(spectrum: Spectrum) -> CasaModels:
    """CasaXPS's regions and components of a spectrum as it was read.

    Raises
    ------
    BadData, NotDetermined
        If energies or calibrations cannot be carried over.
    """
    info = casa_info(spectrum)
    shift = casa_shift(spectrum, info)
    if not info.regions and not info.components:
        return CasaModels(shift=shift)
    scale, warnings = scale_of(spectrum)
    return _Importer(spectrum, info, scale, shift, list(warnings)).models()


class _Importer:
    """One block on its way into models."""

    def __init__(
        self, spectrum: Spectrum, info: CasaInfo, scale: CasaScale, shift: float, warnings: list[str]
    ) -> None:
        self.spectrum, self.info, self.scale, self.shift, self.warnings = spectrum, info, scale, shift, warnings
        self.ties: list[CasaTie] = []
        if info.shift is None:
            self.warn(f"A calibration by the maximum of a range was taken from the data: {shift:+.3f} eV")
        for text in info.unparsed:
            self.warn(f"Not understood and not taken over: {text.strip()[:120]}")

    def warn(self, text: str) -> None:
        self.warnings.append(text if text.endswith(".") else f"{text}.")

    def models(self) -> CasaModels:
        regions = [region for region in self.info.regions if self._measured(region)]
        homes = [self._home(component, regions) for component in self.info.components]
        self.order = {at: place for at, place in enumerate(homes) if place is not None}
        models = []
        for place, region in enumerate(regions):
            low, high = self.scale.places(region.start_ke, region.end_ke)
            inside = [at for at, home in self.order.items() if home == place]
            components = with_doublets([self._component(at, region) for at in inside], self.scale.sign)
            background = self._meeting(self._background(region), (low, high), region)
            models.append(FitModel((low, high), background, components, region.name, _region_notes(region)))
        return CasaModels(tuple(models), self.shift, tuple(dict.fromkeys(self.warnings)), tuple(self.ties))

    def _measured(self, region: CasaRegion) -> bool:
        low, high = self.scale.places(region.start_ke, region.end_ke)
        move = self.shift if self.scale.photon is not None else -self.shift
        part = self.spectrum.axis.window(low - move, high - move)
        if high > low and part.stop - part.start >= 3:
            return True
        self.warn(f"Region '{region.name}' holds no data and is left out")
        return False

    def _home(self, component: CasaComponent, regions: Sequence[CasaRegion]) -> int | None:
        """The region that a component lies in; of several, the one with its tag."""
        kinetic = component.position_ke
        if shape_of(component.shape) is None:
            self.warn(
                f"The shape {component.shape} of '{component.name}' at {self.scale.place(kinetic):.2f} eV is not "
                "known; the component is left out and stays in the comments of the file"
            )
            return None
        if component.fwhm <= 0:
            self.warn(f"'{component.name}' at {self.scale.place(kinetic):.2f} eV has a width of {component.fwhm:g} eV "
                      "and is left out")
            return None
        inside = [
            at for at, region in enumerate(regions)
            if min(region.start_ke, region.end_ke) <= kinetic <= max(region.start_ke, region.end_ke)
        ]  # fmt: skip
        tagged = [at for at in inside if regions[at].tag == component.tag]
        if not inside:
            self.warn(f"'{component.name}' at {self.scale.place(kinetic):.2f} eV lies in no region and is left out")
            return None
        return (tagged or inside)[0]

    # -- components ---------------------------------------------------------------------------------------------

    def _component(self, at: int, region: CasaRegion) -> Component:
        casa = self.info.components[at]
        known = shape_of(casa.shape)
        assert known is not None  # `_home` refused the others
        shape, held = known
        if shape in UNVERIFIED:
            self.warn(f"The form of {casa.shape} is not published by CasaXPS's makers: its curve may differ")
        table = {entry.name: Param(entry.default, entry.minimum, entry.maximum) for entry in SHAPES[shape].parameters}
        for name, value in held:
            table[name] = replace(table[name], value=value, vary=False)
        table["area"] = self._param(
            at, "area", casa.area_link, casa.area, (casa.area_min, casa.area_max), self.scale.area, casa.area_factor
        )
        table["fwhm"] = self._param(
            at, "fwhm", casa.fwhm_link, casa.fwhm, (casa.fwhm_min, casa.fwhm_max), 1.0, casa.fwhm_factor
        )
        table["position"] = self._position(at)
        line = line_of(casa.name, casa.tag, region.name, self.spectrum)
        return Component(
            id=f"p{at + 1}",
            name=casa.name,
            shape=shape,
            params=table,
            line=line.name if line is not None else "",
            # CasaXPS leaves components with an RSF of zero out of its quantification.
            quantify=casa.rsf != 0,
            tag=casa.tag if casa.tag not in (region.tag, region.name) else "",
            extra=_component_notes(casa),
        )

    def _param(
        self, at: int, name: str, link: int | None, value: float, limits: tuple[float, float], scale: float,
        factor: float,
    ) -> Param:
        formula = "{}" if factor == 1 else f"{{}} * {factor:.10g}"
        if link is not None and factor > 0 and self._linked(at, name, link):
            return self._follower(at, name, link, formula, value * scale)
        if link is not None and factor <= 0:
            self.warn(f"The factor {factor:g} of '{self._name(at)}' is not above zero; its link is left out")
        return self._bounded(at, name, value * scale, (limits[0] * scale, limits[1] * scale))

    def _position(self, at: int) -> Param:
        casa = self.info.components[at]
        offset = round(self.scale.sign * casa.position_offset, DECIMALS)
        formula = "{}" if offset == 0 else f"{{}} {'+' if offset > 0 else '-'} {abs(offset):.10g}"
        value = self.scale.place(casa.position_ke)
        if casa.position_link is not None and self._linked(at, "position", casa.position_link):
            return self._follower(at, "position", casa.position_link, formula, value)
        if casa.position_min == casa.position_max == 0:
            return Param(value)
        if casa.position_min > casa.position_max:
            return self._bounded(at, "position", value, (casa.position_min, casa.position_max))
        return self._bounded(at, "position", value, self.scale.places(casa.position_min, casa.position_max))

    def _linked(self, at: int, name: str, link: int) -> bool:
        """Whether a link can be carried over."""
        parent = self.info.components[link] if link < len(self.info.components) else None
        own = self._name(at)
        if parent is None or link not in self.order:
            self.warn(f"The {name} of '{own}' was linked to a component that is left out; the link is left out")
            return False
        if self._circle(at, name):
            self.warn(f"The {name} of '{own}' is linked in a circle; the link is left out")
            return False
        return True

    def _circle(self, at: int, name: str) -> bool:
        """Whether a chain of links comes back to where it began."""
        seen: int | None = at
        for _ in self.info.components:
            seen = getattr(self.info.components[seen], f"{name}_link")
            if seen is None or seen >= len(self.info.components):
                return False
            if seen == at:
                return True
        return True

    def _follower(self, at: int, name: str, link: int, formula: str, value: float) -> Param:
        source = f"p{link + 1}.{name}"
        if self.order[link] == self.order[at]:
            return Param(value, link=formula.format(source))
        self.ties.append(CasaTie(self.order[at], f"p{at + 1}.{name}", self.order[link], source, formula))
        return Param(value)

    def _bounded(self, at: int, name: str, value: float, limits: tuple[float, float]) -> Param:
        low, high = limits
        if low > high:
            self.warn(f"The limits of the {name} of '{self._name(at)}' are reversed and left out")
            return Param(value)
        if low == high:
            return Param(value, vary=False)
        if not low <= value <= high:
            # A fit cannot begin outside its bounds, and the value is what CasaXPS drew.
            self.warn(f"The {name} of '{self._name(at)}' lies outside its limits, which were widened to it")
        return Param(value, min(low, value), max(high, value))

    def _name(self, at: int) -> str:
        return self.info.components[at].name

    # -- background ---------------------------------------------------------------------------------------------

    def _background(self, region: CasaRegion) -> Background:
        name, average = region.background.strip(), average_of(region.average_width)
        if region.average_width != VERIFIED_WIDTH:
            self.warn(
                f"The averaging width {region.average_width:g} of region '{region.name}' was taken as the mean of "
                f"{2 * average + 1} points, which was verified for a width of {VERIFIED_WIDTH} only"
            )
        settings: dict[str, float] = {}
        kind = kind_of(name)
        if kind == "tougaard":
            settings = dict(zip(SETTINGS, region.parameters, strict=False))
        if kind is None or (kind == "tougaard" and len(settings) < len(SETTINGS)):
            self.warn(
                f"The background '{name}' of region '{region.name}' is not known; a line between its ends stands for it"
            )
            kind, settings = "linear", {}
        if region.start_offset or region.end_offset:
            # What the offsets are counted in is not published, so that they are not applied.
            self.warn(
                f"The end offsets {region.start_offset:g} and {region.end_offset:g} of region '{region.name}' are "
                "not applied to its background"
            )
        return Background(kind, average=average, settings=tuple(settings.items()))

    def _meeting(self, background: Background, window: tuple[float, float], region: CasaRegion) -> Background:
        """The background; a Tougaard background that cannot meet the data takes B as CasaXPS stored it."""
        if background.kind != "tougaard":
            return background
        spectrum = self.spectrum
        shifted = Recipe((energy_shift(self.shift, ""),)).apply(spectrum) if self.shift else spectrum
        stored = replace(background, settings=(*background.settings, ("rescale", 0.0)))
        try:
            met, kept = (_rise(shifted, FitModel(window, one)) for one in (background, stored))
        except BadModel:
            met, kept = 0.0, 1.0
        if met * kept > 0:
            return background
        self.warn(f"The Tougaard background of '{region.name}' cannot meet the data; its B is taken as it is stored")
        return stored


def _rise(spectrum: Spectrum, model: FitModel) -> float:
    """How much a background without peaks rises from one end of its region to the other."""
    background = Evaluator(spectrum, model).parts(Evaluator.values_of(model)).background
    return float(background[-1] - background[0])


def _component_notes(casa: CasaComponent) -> Notes:
    rows = {
        LINE: casa.line,
        "casa tag": casa.tag,
        "casa rsf": _text(casa.rsf),
        "casa mass": _text(casa.mass),
        "casa index": str(casa.index),
        "casa const": casa.constraint,
        "casa uncorrected rsf": _text(casa.uncorrected_rsf),
    }
    return tuple((name, text) for name, text in rows.items() if text)


def _region_notes(region: CasaRegion) -> Notes:
    rows = {LINE: region.line, "casa tag": region.tag, "casa rsf": _text(region.rsf)}
    return tuple((name, text) for name, text in rows.items() if text)


def _text(number: float | None) -> str:
    return "" if number is None else repr(number)


# Factors are relative to C 1s or F 1s; outside this a number is damage.
SENSIBLE_RSF = 1e-6, 1e6


def casa_rsf(component: Component) -> float | None:
    """CasaXPS's relative sensitivity factor that a component came with; None where it came with none."""
    text = dict(component.extra).get("casa rsf", "")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if SENSIBLE_RSF[0] <= value <= SENSIBLE_RSF[1] else None
