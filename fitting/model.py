"""The fit model as data: parameters, components, background, region. Frozen; `fitting.model_json` writes and reads it.

A parameter is addressed by "component.parameter" ("p1.area"); the background's by "background.parameter".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from fitting.constraints import evaluation_order, parse
from fitting.param import HasParams, Pairs, Param, as_pairs, copied
from libraries.errors import BadModel

if TYPE_CHECKING:
    from fitting.model_json import from_dict, from_json, to_dict

__all__ = [
    "BACKGROUND",
    "Background",
    "Component",
    "Curve",
    "FitModel",
    "Notes",
    "Pairs",
    "Param",
    "from_dict",
    "from_json",
    "to_dict",
]
BACKGROUND = "background"
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}\Z")
Notes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Curve:
    """A measured line that serves as a shape or response: intensities `y` on ascending energies `x` (eV, 0 at its top).

    Raises
    ------
    BadModel
        If there are fewer than four points, the energies do not ascend, or a number is not finite.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    name: str = ""

    def __post_init__(self) -> None:
        for key in ("x", "y"):
            object.__setattr__(self, key, tuple(float(value) for value in getattr(self, key)))
        if len(self.x) != len(self.y) or len(self.x) < 4:
            raise BadModel("A curve needs at least four energies and as many intensities", where=self.name)
        if not all(map(math.isfinite, (*self.x, *self.y))):
            raise BadModel("A curve holds numbers that are not finite", where=self.name)
        if any(b <= a for a, b in zip(self.x, self.x[1:], strict=False)):
            raise BadModel("The energies of a curve must ascend", where=self.name)


@dataclass(frozen=True)
class Component(HasParams):
    """A peak: its shape (a key of `fitting.shapes.SHAPES`), its parameters, and what it stands for.

    Attributes
    ----------
    id : str
        Identifier within the model, used by links ("p1").
    name : str
        What the user calls it ("CO3").
    shape : str
        Key of the registry of shapes.
    params : tuple of (name, Param)
        In the order of the shape's parameters; a mapping is taken too.
    line : str
        Core level it belongs to, canonical ("C 1s", "V 2p3/2"), or "".
    compound : str
        Compound of the library it was taken from, or "".
    source : str
        Where the reference energy comes from, or "".
    doublet : str
        For the minor line of a spin-orbit doublet: the id of its major line ("p1" for the 2p1/2 of p1); else "".
    quantify : bool
        Whether its area counts in quantification (a satellite or loss peak may still count; an Auger line not).
    tag : str
        Components with the same tag are one quantity in a composition; "" for none.
    curve : Curve or None
        The measured line, for the shape that takes one.
    extra : tuple of (name, text)
        What another program says of it and gets back unchanged ("casa rsf", ...).
    broadened : bool
        Whether it is convolved with the model's response; its parameters are those before the convolution.
    """

    id: str
    name: str
    shape: str
    params: Pairs
    line: str = ""
    compound: str = ""
    source: str = ""
    doublet: str = ""
    quantify: bool = True
    tag: str = ""
    curve: Curve | None = None
    extra: Notes = ()
    broadened: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", as_pairs(self.params))
        if not _IDENTIFIER.match(self.id) or self.id == BACKGROUND:
            raise BadModel("A component's id is a short word of letters and digits", where=repr(self.id))

    def with_(self, **params: Param) -> Component:
        """A copy with some parameters replaced."""
        return replace(self, params=self._replaced(params))


@dataclass(frozen=True)
class Background(HasParams):
    """The background of a region.

    Attributes
    ----------
    kind : str
        Key of `fitting.backgrounds.KINDS`.
    params : tuple of (name, Param)
        Parameters of an in-fit background; empty for a static one.
    average : int
        End levels are means of 2n+1 points (CasaXPS "Av. Width" n); static kinds only.
    quadrature : "casa" or "trapezoid"
        Sum rule of the iterative Shirley background.
    anchors : tuple of (energy, offset)
        Points through which a spline background runs: at `energy` by `offset` above the averaged data.
    settings : tuple of (name, number)
        Numbers of a static background that are not fitted (B, C, D, T0 of Tougaard's, offsets of the ends).
    """

    kind: str = "shirley_active"
    params: Pairs = ()
    average: int = 2
    quadrature: Literal["casa", "trapezoid"] = "casa"
    anchors: tuple[tuple[float, float], ...] = ()
    settings: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", as_pairs(self.params))
        object.__setattr__(self, "anchors", tuple(sorted((float(x), float(y)) for x, y in self.anchors)))
        object.__setattr__(self, "settings", tuple((str(name), float(value)) for name, value in self.settings))
        if self.average < 0:
            raise BadModel("The averaging width of a background must not be negative", where=str(self.average))
        if not all(math.isfinite(value) for pair in self.anchors for value in pair):
            raise BadModel("An anchor of a background must be two finite numbers", where=str(self.anchors))
        if not all(math.isfinite(value) for _, value in self.settings):
            raise BadModel("The settings of a background must be finite numbers", where=str(self.settings))

    def setting(self, name: str, default: float = 0.0) -> float:
        """A number of `settings`."""
        return dict(self.settings).get(name, default)

    def with_(self, **params: Param) -> Background:
        """A copy with some parameters replaced."""
        return replace(self, params=self._replaced(params))


def _check_doublets(components: tuple[Component, ...], where: str) -> None:
    """A minor line's major line must be there and be no minor line itself, else quantification would lose both."""
    majors = {c.id for c in components if not c.doublet}
    for component in components:
        if component.doublet and component.doublet not in majors:
            raise BadModel(
                f"{component.name or component.id} is the minor line of {component.doublet}, which is no major line",
                where=where,
            )


@dataclass(frozen=True)
class FitModel:
    """A region of a spectrum with its background and components.

    Attributes
    ----------
    region : (low, high)
        Window on the spectrum's axis, in its unit.
    background : Background
    components : tuple of Component
    name : str
    extra : tuple of (name, text)
        What another program says of the region and gets back unchanged.
    response : Curve or None
        A zero loss or a low loss, energies relative to its zero-loss maximum, with which the components that say so are
        convolved; its area does not matter (`fitting.response`).

    Raises
    ------
    BadModel
        If the region is empty, ids repeat, or links are unknown or circular.
    """

    region: tuple[float, float]
    background: Background = field(default_factory=Background)
    components: tuple[Component, ...] = ()
    name: str = ""
    extra: Notes = ()
    response: Curve | None = None

    def __post_init__(self) -> None:
        low, high = sorted(float(edge) for edge in self.region)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise BadModel("A region needs two different, finite ends", where=self.name)
        object.__setattr__(self, "region", (low, high))
        object.__setattr__(self, "components", tuple(self.components))
        ids = [component.id for component in self.components]
        if len(set(ids)) != len(ids):
            raise BadModel("Two components have the same id", where=", ".join(ids))
        _check_doublets(self.components, self.name)
        params = self.params
        links = {name: parse(param.link) for name, param in params.items() if param.link}
        evaluation_order(links, params)

    @property
    def params(self) -> dict[str, Param]:
        """All parameters by full name, components first, background last."""
        table = {f"{c.id}.{name}": param for c in self.components for name, param in c.params}
        table |= {f"{BACKGROUND}.{name}": param for name, param in self.background.params}
        return table

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what was worked out from them is worked out again elsewhere."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    def component(self, id: str) -> Component:
        """The component of that id.

        Raises
        ------
        BadModel
            If there is none.
        """
        for component in self.components:
            if component.id == id:
                return component
        raise BadModel(f"There is no component {id}", where=self.name)

    def fresh_id(self) -> str:
        """An id that no component has yet: p1, p2, ..."""
        taken = {component.id for component in self.components}
        number = 1
        while f"p{number}" in taken:
            number += 1
        return f"p{number}"

    def with_params(self, changes: Mapping[str, Param]) -> FitModel:
        """A copy with parameters, given by full name, replaced."""
        known = self.params
        for name in changes:
            if name not in known:
                raise BadModel(f"There is no parameter {name}", where=self.name)

        def of(owner: str) -> dict[str, Param]:
            prefix = f"{owner}."
            return {name[len(prefix) :]: p for name, p in changes.items() if name.startswith(prefix)}

        return replace(
            self,
            components=tuple(c.with_(**of(c.id)) for c in self.components),
            background=self.background.with_(**of(BACKGROUND)),
        )

    def with_values(self, values: Mapping[str, float]) -> FitModel:
        """A copy with parameter values, given by full name, replaced (bounds and links stay)."""
        known = self.params
        for name in values:
            if name not in known:
                raise BadModel(f"There is no parameter {name}", where=self.name)

        def of(owner: str, params: Pairs) -> Pairs:
            return tuple(
                (key, param.at(values[name]) if (name := f"{owner}.{key}") in values else param)
                for key, param in params
            )

        # Other values cannot break what a model's parts were checked for, so that they are not checked again.
        return copied(
            self,
            components=tuple(copied(c, params=of(c.id, c.params)) for c in self.components),
            background=copied(self.background, params=of(BACKGROUND, self.background.params)),
        )

    def with_component(self, component: Component) -> FitModel:
        """A copy with a component added, or replaced where its id exists already."""
        if any(c.id == component.id for c in self.components):
            swapped = tuple(component if c.id == component.id else c for c in self.components)
            return replace(self, components=swapped)
        return replace(self, components=(*self.components, component))

    def without(self, *ids: str) -> FitModel:
        """A copy without these components; links that named them become plain values.

        Raises
        ------
        BadModel
            If there is no such component.
        """
        for id in ids:
            self.component(id)
        kept = tuple(c for c in self.components if c.id not in ids)

        def unlinked(param: Param) -> Param:
            if not param.link:
                return param
            lost = any(name.split(".")[0] in ids for name in parse(param.link).names)
            return replace(param, link="") if lost else param

        return replace(
            self,
            components=tuple(
                replace(
                    c,
                    params=tuple((name, unlinked(param)) for name, param in c.params),
                    doublet="" if c.doublet in ids else c.doublet,
                )
                for c in kept
            ),
            background=replace(
                self.background, params=tuple((n, unlinked(param)) for n, param in self.background.params)
            ),
        )

    def moved(self, offset: float) -> FitModel:
        """The same model `offset` further up the axis (after an energy shift): region, positions and their bounds.

        Linked positions follow their links and only have their start value moved.
        """

        def shifted(params: Pairs) -> Pairs:
            return tuple((n, p.moved(offset) if n == "position" else p) for n, p in params)

        components = tuple(replace(c, params=shifted(c.params)) for c in self.components)
        low, high = self.region
        anchors = tuple((x + offset, y) for x, y in self.background.anchors)
        background = replace(self.background, anchors=anchors, params=shifted(self.background.params))
        return replace(self, region=(low + offset, high + offset), background=background, components=components)

    def to_json(self) -> str:
        """The model as JSON text."""
        from fitting.model_json import to_json

        return to_json(self)


def __getattr__(name: str) -> Any:
    """What `fitting.model_json` defines can be imported from here; it stands on this file, so that it comes later."""
    if name in ("from_dict", "from_json", "to_dict"):
        from fitting import model_json

        return getattr(model_json, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
