"""Concentrations in one matrix: what an entry's sensitivity factors give, worked out from the project alone.

The project keeps how each factor is known, not its value: a factor from an implant follows from the dose and the ranges
that were told, and changes with the standard's recipe and depth scale. A number is kept only where the analyst typed
it, or turned a factor into a number with its origin in words (`as_number`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.numerals import grouped
from app.project.project import Entry, Project, fresh_id
from app.project.sims_depth import depth_along
from app.project.sims_profiles_at import profile_at, trace_words
from fitting.dataset import Axis, Spectrum
from fitting.sims.channel_terms import read_term
from fitting.sims.concentration import Concentration, concentration
from fitting.sims.depth import DepthResult, clock_of
from fitting.sims.ion_pair import IonPair, pair_of
from fitting.sims.kinds import kind_of
from fitting.sims.sensitivity import Factor, implant_factor, typed_factor
from fitting.sims.sensitivity_setup import SensitivityFactor, SensitivitySetup
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, BadModel, Cancelled, NotDetermined, SodaliteError, UnknownName
from libraries.ions import natural_fraction, parse_ion

ORIGINS = {"typed": "a typed number", "implant": "this profile: an implant", "standard": "a standard of the project"}
_FLAT = 0.15  # of the profile's end: where a new factor takes its background, until the range is dragged; chosen
_OF_VALUES = ("the largest", "the dilute limit (")  # remarks that say nothing of a factor
_NO_DEPTH = "Give a sputter rate or the crater's depth on the Depth page"


@dataclass(frozen=True, eq=False)
class Amount:
    """A sensitivity factor with the concentrations that follow.

    Attributes
    ----------
    told : SensitivityFactor
    label : str
        Ion over matrix ion in words.
    species : str
        What the concentration is of: the ion, or the element.
    factor : Factor or None
    found : Concentration or None
    failed : str
        Why something of it is missing; "" where nothing is.
    density : float
        Atoms of the matrix, atoms/cm3; 0 where not known.
    """

    told: SensitivityFactor
    label: str
    species: str
    factor: Factor | None = None
    found: Concentration | None = None
    failed: str = ""
    density: float = 0.0


def amounts(project: Project, entry: Entry, profile: Spectrum | None = None, depth: DepthResult | None = None, *,
            progress: Progress | None = None, cancel: Cancel | None = None) -> tuple[Amount, ...]:
    """Concentrations after all factors of an entry; what goes wrong with one stands in it.

    Parameters
    ----------
    project : Project
        Holds the entries of standards.
    entry : Entry
    profile : Spectrum, optional
        Of a cube that of the pixels that are looked at; by default that of all pixels.
    depth : DepthResult, optional
        Of that profile.

    Raises
    ------
    Cancelled
    """
    if not entry.sensitivity.factors:
        return ()
    try:
        if profile is None:
            profile = profile_at(entry, progress=progress, cancel=cancel)
        if depth is None:
            depth = depth_along(entry, profile)
        if depth is None:
            raise NotDetermined("Concentrations along the depth need a depth scale", where=entry.title, todo=_NO_DEPTH)
    except Cancelled:
        raise
    except SodaliteError as error:
        return tuple(_empty(entry, told, str(error)) for told in entry.sensitivity.factors)
    made = []
    for number, told in enumerate(entry.sensitivity.factors):
        if cancel is not None and cancel():
            raise Cancelled
        made.append(_amount(project, entry, told, profile, depth, cancel))
        if progress is not None:
            progress((number + 1) / len(entry.sensitivity.factors), "Concentrations")
    return tuple(made)


def _empty(entry: Entry, told: SensitivityFactor, failed: str, factor: Factor | None = None) -> Amount:
    return Amount(told, label_of(entry, told), species_of(entry, told), factor, None, failed,
                  entry.sensitivity.density)


def _amount(project: Project, entry: Entry, told: SensitivityFactor, profile: Spectrum, depth: DepthResult,
            cancel: Cancel | None) -> Amount:
    factor = None
    try:
        pair = pair_of(profile, told.ion, told.matrix, depth)
        factor = factor_of(project, entry, told, pair, cancel)
        part, flat = parts_of(told, clock_of(profile), profile.name)
        found = concentration(pair, factor, part, flat, subtract=told.subtract, density=entry.sensitivity.density,
                              fraction=fraction_of(told))
    except Cancelled:
        raise
    except SodaliteError as error:
        return _empty(entry, told, str(error), factor)
    return Amount(told, label_of(entry, told), species_of(entry, told), factor, found, "", entry.sensitivity.density)


def factor_of(project: Project, entry: Entry, told: SensitivityFactor, pair: IonPair,
              cancel: Cancel | None = None) -> Factor:
    """The factor as it is known.

    Parameters
    ----------
    pair : IonPair
        Of this entry, for an implant.

    Raises
    ------
    SodaliteError
        If it cannot be told; the message says why.
    """
    if told.origin == "typed":
        if not told.value > 0:
            raise NotDetermined("The sensitivity factor is not given yet", where=label_of(entry, told),
                                todo="Type it, or choose an implant standard")
        return typed_factor(told.value, told.error, told.source)
    if told.origin == "implant":
        return _implant(entry, told, pair)
    owner, its = standard_of(project, told)
    if owner.id == entry.id:
        raise BadModel("A standard of this profile itself is its implant factor", todo="Choose “this profile”")
    mine, other = label_of(entry, told), label_of(owner, its)
    if mine != other:
        raise BadData(f"The standard is one of {other}, not of {mine}", where=owner.title,
                      todo="Choose the same ions, or another standard")
    profile = profile_at(owner, cancel=cancel)
    depth = depth_along(owner, profile)
    if depth is None:
        raise NotDetermined("The standard has no depth scale", where=owner.title, todo=_NO_DEPTH)
    pair = pair_of(profile, its.ion, its.matrix, depth)
    found = _implant(owner, its, pair)
    part, flat = parts_of(its, clock_of(profile), owner.title)
    itself = concentration(pair, found, part, flat, subtract=its.subtract, density=entry.sensitivity.density)
    remarks = tuple(f"standard: {remark}" for remark in itself.remarks if not remark.startswith(_OF_VALUES))
    return replace(found, words=f"{found.words}, {owner.title}", remarks=remarks)


def _implant(entry: Entry, told: SensitivityFactor, pair: IonPair) -> Factor:
    if not told.dose > 0:
        raise NotDetermined("The dose of the implant is not given yet", where=f"{entry.title}, {label_of(entry, told)}",
                            todo="Give it in atoms/cm²")
    part, flat = parts_of(told, clock_of(entry.processed()), entry.title)
    return implant_factor(pair, told.dose, told.dose_error, part, flat if told.subtract else None)


def standard_of(project: Project, told: SensitivityFactor) -> tuple[Entry, SensitivityFactor]:
    """The entry and the implant factor that a factor is taken from.

    Raises
    ------
    UnknownName
        If it is gone.
    """
    owner, _, id = told.standard.partition("/")
    for entry in project.entries:
        for one in entry.sensitivity.factors:
            if (entry.id, one.id, one.origin) == (owner, id, "implant"):
                return entry, one
    raise UnknownName("The implant standard of this factor is gone" if told.standard else "No standard is chosen",
                      todo="Choose another one, or type the factor")


def standards(project: Project, entry: Entry) -> Iterator[tuple[str, str, SensitivityFactor]]:
    """("ENTRY/FACTOR", words, factor) of all implant factors of other entries."""
    for owner in project.entries:
        if owner.id != entry.id:
            for one in owner.sensitivity.factors:
                if one.origin == "implant":
                    yield f"{owner.id}/{one.id}", f"{label_of(owner, one)}, {owner.title}", one


def parts_of(told: SensitivityFactor, clock: Axis, where: str = "") -> tuple[slice, slice | None]:
    """Points that are evaluated, and those of the background.

    Raises
    ------
    BadData
        If ranges were drawn over another kind of axis than the profile has.
    """
    if clock.quantity != told.scale and (told.high > told.low or told.flat_high > told.flat_low):
        raise BadData(f"The ranges were drawn over another axis ({told.scale}) than the profile has", where=where,
                      todo="Add the factor anew")
    part = clock.window(told.low, told.high) if told.high > told.low else slice(0, len(clock))
    return part, clock.window(told.flat_low, told.flat_high) if told.flat_high > told.flat_low else None


def label_of(entry: Entry, told: SensitivityFactor) -> str:
    """ "P⁻ in Si⁻"."""
    return f"{trace_words(entry, told.ion)} in {trace_words(entry, told.matrix)}"


def species_of(entry: Entry, told: SensitivityFactor) -> str:
    """What the concentration is of."""
    if told.element:
        try:
            return element_of(told.ion)
        except SodaliteError:
            pass
    return trace_words(entry, told.ion)


def element_of(trace: str) -> str:
    """The element that an ion consists of.

    Raises
    ------
    BadModel
        If it has atoms of several elements, or is none.
    """
    text = trace.partition(" from ")[0].partition(" #")[0]
    try:
        ion = parse_ion(text)
    except UnknownName:
        ion = None
    if ion is None or len(ion.elements) != 1 or ion.elements[0][1] != 1:
        raise BadModel(f"{trace} is not the ion of one atom: the abundance that turns it into an element is not told",
                       todo="Give a factor for the element instead")
    return ion.elements[0][0]


def fraction_of(told: SensitivityFactor) -> float:
    """Natural abundance of the isotope of the ion where the element is wanted, else 1.

    Raises
    ------
    BadModel, UnknownName
        If the ion has no one element, or no natural abundance.
    """
    if not told.element:
        return 1.0
    element_of(told.ion)
    return natural_fraction(parse_ion(told.ion.partition(" from ")[0].partition(" #")[0]))


# -- edits ----------------------------------------------------------------------------------------------------------


def with_setup(project: Project, entry_id: str, setup: SensitivitySetup) -> Project:
    """The project with other factors of an entry."""
    return project.with_entry(replace(project.entry(entry_id), sensitivity=setup))


def add_factor(project: Project, entry_id: str, ion: str, matrix: str, **fields: object) -> tuple[Project, str]:
    """The project with one more factor, evaluated over the whole profile with its end as background; and its id.

    Raises
    ------
    BadModel, UnknownName, BadData
        If ion and matrix are the same, or there is no such ion.
    """
    entry = project.entry(entry_id)
    if kind_of(entry.spectrum) not in ("profile", "cube"):
        raise BadData("This is no depth profile of ions", where=entry.title)
    axis = entry.spectrum.axis
    if read_term(axis, ion).upper == read_term(axis, matrix).upper:
        raise BadModel("The ion and the ion of the matrix are the same", todo="Choose an ion of the matrix")
    clock = clock_of(entry.spectrum)
    flat = proposed_background(entry)
    setup = entry.sensitivity
    id = fresh_id("factor", {one.id for one in setup.factors})
    told = SensitivityFactor(id, ion, matrix, low=float(clock.values[0]), high=float(clock.values[-1]),
                             flat_low=flat[0], flat_high=flat[1], scale=clock.quantity)
    told = replace(told, **fields)  # type: ignore[arg-type]
    return with_setup(project, entry_id, replace(setup, factors=(*setup.factors, told))), id


def proposed_background(entry: Entry) -> tuple[float, float]:
    """The end of a profile on its own clock: a start for the analyst's own range."""
    clock = clock_of(entry.spectrum)
    first, last = float(clock.values[0]), float(clock.values[-1])
    return last - _FLAT * (last - first), last


def edit_factor(project: Project, entry_id: str, id: str, **fields: object) -> Project:
    """The project with one factor changed."""
    setup = project.entry(entry_id).sensitivity
    if all(one.id != id for one in setup.factors):
        raise UnknownName("There is no such sensitivity factor", where=project.entry(entry_id).title)
    changed = tuple(replace(one, **fields) if one.id == id else one for one in setup.factors)  # type: ignore[arg-type]
    return with_setup(project, entry_id, replace(setup, factors=changed))


def without_factor(project: Project, entry_id: str, id: str) -> Project:
    """The project without a factor."""
    setup = project.entry(entry_id).sensitivity
    return with_setup(project, entry_id, replace(setup, factors=tuple(one for one in setup.factors if one.id != id)))


def as_number(project: Project, entry_id: str, amount: Amount) -> Project:
    """The project with a factor kept as the number that it is today, with its origin in words.

    Raises
    ------
    NotDetermined
        If it is not known.
    """
    if amount.factor is None:
        raise NotDetermined("The factor is not known", where=amount.label, todo=amount.failed)
    error = amount.factor.error
    return edit_factor(project, entry_id, amount.told.id, origin="typed", value=float(f"{amount.factor.value:.6g}"),
                       error=float(f"{error:.3g}") if math.isfinite(error) else 0.0, source=amount.factor.words)


# -- words ----------------------------------------------------------------------------------------------------------


def fraction_words(value: float, error: float, density: float) -> str:
    """Atoms/cm3 as a share of the matrix: "0.25 ± 0.02 at.%", "12.1 ± 0.4 at. ppm"."""
    from app.numerals import with_error

    share, size = value / density, error / density
    scale, unit = (100.0, "at.%") if share >= 1e-3 else (1e6, "at. ppm") if share >= 1e-6 else (1e9, "at. ppb")
    return f"{with_error(scale * share, scale * size)} {unit}"


def limit_words(limit: float, density: float) -> str:
    """A detection limit as a share of the matrix."""
    share = limit / density
    scale, unit = (100.0, "at.%") if share >= 1e-3 else (1e6, "at. ppm") if share >= 1e-6 else (1e9, "at. ppb")
    value = scale * share
    return f"{grouped(value, max(0, 1 - math.floor(math.log10(value))))} {unit}" if value > 0 else f"0 {unit}"
