"""What may stand in a candidate model: line forms, chemical states and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fitting.guess import WIDTH_BOUNDS
from fitting.model import Component, FitModel, Param
from fitting.shapes import shape
from libraries.compounds import Conflict, reference_lines
from libraries.core_levels import doublet
from libraries.elements import Line, parse_line
from libraries.errors import BadModel

Keys = tuple[str, ...]

# A position may leave the cited range by this much, since charge references differ that much between papers (the same
# margin as that of proposals, `fitting.guess.add_suggestion`).
MARGIN = 0.5
# Two Gaussians of equal width and area, this part of the width apart, differ from the best single Gaussian by less than
# 0.1 % of its height (computed; the test repeats it): no usual spectrum tells them apart, so they count as one.
RESOLVABLE = 0.25
# Instruments broaden lines differently; a fitted width may leave the library's cited widths by this factor.
WIDTH_FREEDOM = 1.5
# Width of a line whose form is known from a reference spectrum taken on the same instrument.
REFERENCE_FREEDOM = 0.05
MOST = 8
_OF_ONE_WIDTH = (
    "All peaks have one symmetric form: a line that is broader than the others, or not symmetric, passes for two. "
    "Where a reference spectrum of one state is fitted, take its form."
)
_OF_REFERENCE = "All peaks have the form of the reference: a state whose line is broader passes for two."


def cited_widths() -> tuple[float, float]:
    """Smallest and largest width in eV that the library cites for any core level."""
    widths = [row.fwhm for row in reference_lines() if row.fwhm]
    return min(widths), max(widths)


@dataclass(frozen=True)
class Profile:
    """The form of a line, shared by all states that have it: their widths are equal.

    Attributes
    ----------
    shape : str
        Key of `fitting.shapes.SHAPES`; its first parameter is the area.
    params : tuple of (name, Param)
        All parameters but area and position, with bounds.
    excess : float
        For minor lines of doublets that are broader: start of their own width above that of the major line, in eV.
    """

    shape: str
    params: tuple[tuple[str, Param], ...]
    excess: float = 0.0

    @staticmethod
    def usual(name: str = "gl_sum", *, free: Sequence[str] = ("mix",), fwhm: float | None = None) -> Profile:
        """A line whose width lies in the cited range (with some freedom) and is fitted.

        Parameters
        ----------
        name : str
            Shape with a parameter "fwhm".
        free : sequence of str
            Which of the other parameters are fitted too.
        fwhm : float, optional
            Start of the width in eV.
        """
        least, largest = cited_widths()
        low, high = max(least / WIDTH_FREEDOM, WIDTH_BOUNDS[0]), min(largest * WIDTH_FREEDOM, WIDTH_BOUNDS[1])
        start = min(max(fwhm or 1.2, low), high)
        rows = []
        for p in shape(name).parameters:
            if p.kind in ("area", "position"):
                continue
            if p.name == "fwhm":
                rows.append((p.name, Param(start, low, high)))
            else:
                rows.append((p.name, Param(p.default, p.minimum, p.maximum, vary=p.name in free)))
        return Profile(name, tuple(rows))

    @staticmethod
    def reference(component: Component, freedom: float = REFERENCE_FREEDOM) -> Profile:
        """The form of a line that was fitted in a reference spectrum: widths within `freedom`, all else as there.

        Raises
        ------
        BadModel
            If its shape has no area (Doniach-Sunjic).
        """
        entry = shape(component.shape)
        if entry.parameters[0].kind != "area":
            raise BadModel("A reference line needs a shape with an area", where=component.name)
        rows = []
        for p in entry.parameters:
            if p.kind in ("area", "position"):
                continue
            value = component.value(p.name)
            if p.kind == "width" and freedom > 0 and value > 0:
                rows.append((p.name, Param(value, value * (1 - freedom), value * (1 + freedom))))
            else:
                rows.append((p.name, Param(value, p.minimum, p.maximum, vary=False)))
        return Profile(component.shape, tuple(rows))

    @property
    def fwhm(self) -> float:
        """Start of the width in eV."""
        table = dict(self.params)
        if "fwhm" in table:
            return table["fwhm"].value
        return max((p.value for name, p in self.params if name.startswith("fwhm")), default=1.0)


@dataclass(frozen=True)
class Part:
    """A peak that comes with a state's main peak, rigidly: a spin-orbit partner or another site of the compound.

    Attributes
    ----------
    name, line : str
    offset : float
        Binding energy above the main peak in eV.
    ratio : float
        Area over that of the main peak.
    profile : str
        Key of the grammar's profiles.
    doublet : bool
        Whether it is the minor line of the part (or main peak) before it.
    source : str
    """

    name: str
    line: str
    offset: float
    ratio: float
    profile: str
    doublet: bool = False
    source: str = ""


@dataclass(frozen=True)
class State:
    """A chemical state: where its peak may lie, and what must be there with it.

    Attributes
    ----------
    key, name : str
    line : str
        Core level of the main peak.
    low, high : float
        Cited range of binding energies in eV (of the region for a plain peak).
    centre : float
        Where a search begins.
    profile : str
        Key of the grammar's profiles; states with the same one have equal widths.
    margin : float
        How far the position may leave the cited range, in eV.
    parts : tuple of Part
    needs : tuple of str
        Keys of which one must be in the model.
    excludes : tuple of str
        Keys that explain the same peak.
    quantify : bool
    compounds, source : str
        What the library says is found there, and who measured it.
    """

    key: str
    name: str
    line: str
    low: float
    high: float
    centre: float
    profile: str = "line"
    margin: float = MARGIN
    parts: tuple[Part, ...] = ()
    needs: Keys = ()
    excludes: Keys = ()
    quantify: bool = True
    compounds: str = ""
    source: str = ""

    @property
    def window(self) -> tuple[float, float]:
        """Where the main peak may lie, in eV."""
        return self.low - self.margin, self.high + self.margin


@dataclass(frozen=True)
class Grammar:
    """The models that are allowed.

    Attributes
    ----------
    name : str
    states : tuple of State
    profiles : mapping of str to Profile
    most : int
        Largest number of states.
    repeat : bool
        Whether a state may stand in a model many times (plain peaks).
    remarks : tuple of str
        What the analyst must know of it: missing references, conflicting energies.
    """

    name: str
    states: tuple[State, ...]
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    most: int = MOST
    repeat: bool = False
    remarks: tuple[str, ...] = ()

    def state(self, key: str) -> State:
        """The state of a key.

        Raises
        ------
        BadModel
        """
        for state in self.states:
            if state.key == key:
                return state
        raise BadModel(f"The grammar has no state {key}", where=self.name)

    def allowed(self, keys: Keys) -> bool:
        """Whether a model of these states keeps to the rules."""
        if not keys or len(keys) > self.most:
            return False
        if self.repeat:
            return True
        if len(set(keys)) != len(keys):
            return False
        for state in map(self.state, keys):
            if any(key in keys for key in state.excludes):
                return False
            if state.needs and not any(key in keys for key in state.needs):
                return False
        return True

    def ordered(self, keys: Sequence[str]) -> Keys:
        """Keys in the order of the grammar, so that the same states are the same model."""
        order = {state.key: i for i, state in enumerate(self.states)}
        return tuple(sorted(keys, key=lambda key: order[key]))

    def larger(self, keys: Keys) -> tuple[Keys, ...]:
        """All allowed models with one more state."""
        if self.repeat:
            return tuple(k for k in [(*keys, s.key) for s in self.states] if self.allowed(k))
        more = (self.ordered((*keys, s.key)) for s in self.states if s.key not in keys)
        return tuple(k for k in more if self.allowed(k))

    def smaller(self, keys: Keys) -> tuple[Keys, ...]:
        """All allowed models with one state less."""
        less = dict.fromkeys(keys[:i] + keys[i + 1 :] for i in range(len(keys)))
        return tuple(k for k in less if self.allowed(k))

    def within(self, region: tuple[float, float]) -> Grammar:
        """Only the states whose cited range touches a region; exclusions and needs among them stay.

        Raises
        ------
        BadModel
            If none does.
        """
        low, high = region
        kept = tuple(s for s in self.states if s.high >= low and s.low <= high)
        if not kept:
            raise BadModel(
                f"No cited state lies between {low:g} and {high:g} eV", where=self.name,
                todo="Charge-reference the sample first, or ask for plain peaks",
            )
        return replace(self, states=kept)


def spin_orbit(name: str, line: Line, offset: float, ratio: float, profile: str) -> tuple[Part, ...]:
    """The spin-orbit partner of a peak, with the library's splitting and ratio; none for s levels.

    Parameters
    ----------
    name : str
        Of the major peak.
    line : Line
    offset, ratio : float
        Of the major peak, relative to the state's main one.
    profile : str
        Key of the major peak's form; a minor line that is broader has the form "<profile> minor".
    """
    if line.level[1] == "s":
        return ()
    pair = doublet(line.element, line.level[:2])
    form = profile if pair.same_width else f"{profile} minor"
    label = f"{name} {pair.minor.level}"
    return (Part(label, pair.minor.name, offset + pair.splitting, ratio * pair.ratio, form, True, pair.source),)


def with_minors(profiles: Mapping[str, Profile], line: Line) -> dict[str, Profile]:
    """Forms of a level's lines, and of their minor lines where Coster-Kronig decay makes these broader."""
    table = dict(profiles)
    if line.level[1] != "s":
        pair = doublet(line.element, line.level[:2])
        if not pair.same_width:
            table |= {f"{key} minor": replace(p, excess=pair.width_excess or 0.0) for key, p in profiles.items()}
    return table


def plain(
    model: FitModel, *, line: str = "", reference: FitModel | None = None, most: int = 5, direction: int = 1
) -> Grammar:
    """Peaks of one form anywhere in a region: for lines without cited states.

    Parameters
    ----------
    model : FitModel
        Gives the region.
    line : str
        Core level, if it is known: a doublet then has its partner.
    reference : FitModel, optional
        A reference spectrum of one chemical state, fitted: its peaks together are the form of every peak, the width
        free within 5 %. Without it the form is a Gaussian-Lorentzian sum with free width and mixing; a line that is
        not symmetric then passes for two.
    most : int
        Largest number of peaks.
    direction : int
        Of the reference's axis: +1 for binding energy, -1 for kinetic.
    """
    low, high = model.region
    profiles = {"line": Profile.usual()}
    parts: tuple[Part, ...] = ()
    level = parse_line(line) if line else None
    if reference is not None:
        profiles, parts = _form_of(reference, direction)
    elif level is not None and level.kind == "core":
        parts = spin_orbit(line, level, 0.0, 1.0, "line")
        profiles = with_minors(profiles, level)
    name = level.components[0].name if level is not None else ""
    state = State("peak", line or "Peak", name, low, high, 0.5 * (low + high), "line", margin=0.0, parts=parts)
    if reference is not None:
        return Grammar("peaks of the reference's form", (state,), profiles, most, True, (_OF_REFERENCE,))
    return Grammar("peaks of equal width", (state,), profiles, most, True, (_OF_ONE_WIDTH,))


def _form_of(reference: FitModel, direction: int) -> tuple[dict[str, Profile], tuple[Part, ...]]:
    """The strongest component as main peak, all others as its parts; their widths stay as they are."""
    if not reference.components:
        raise BadModel("The reference has no peaks", where=reference.name, todo="Fit a reference spectrum first")
    for component in reference.components:
        Profile.reference(component)  # a shape without an area?
    ordered = sorted(reference.components, key=lambda c: -c.value("area"))
    main = ordered[0]
    if main.value("area") <= 0:
        raise BadModel("The reference's peaks have no area", where=reference.name)
    profiles = {"line": Profile.reference(main)}
    parts = []
    for number, other in enumerate(ordered[1:], 2):
        profiles[f"line {number}"] = Profile.reference(other, 0.0)
        offset = direction * (other.value("position") - main.value("position"))
        ratio = other.value("area") / main.value("area")
        parts.append(Part(other.name, other.line, offset, ratio, f"line {number}", bool(other.doublet)))
    return profiles, tuple(parts)


def conflict_texts(conflicts: Sequence[Conflict], lines: Sequence[str]) -> tuple[str, ...]:
    """Contradictions of the library that touch some lines, in words."""
    wanted = {line[: line.find(" ") + 3] for line in lines}
    found = (c for c in conflicts if any(item.name[: item.name.find(" ") + 3] in wanted for item in c.lines))
    return tuple(f"{c.topic}: {c.statement} {c.advice}" for c in found)
