"""Factor analysis of an entry's image, its maps and spectra in the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.project.project import Entry, Project, add_spectra, fresh_id
from fitting.dataset import Spectrum
from fitting.factors.analysis import Factors, Method, analyse, ordered
from fitting.factors.banded import with_bands
from fitting.factors.constraints import NONE, Constraints
from fitting.factors.kept import KeptFactors, kept, maps_of, renamed
from fitting.factors.multiset import joined, separated
from fitting.sims.factor_traces import trace_name
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, UnknownName


@dataclass(frozen=True, eq=False)
class Wish:
    """What an analyst asks for.

    Attributes
    ----------
    method, k, window, channels, poisson, constraints
        As `fitting.factors.analysis.analyse`.
    bands : bool
        With bands of ambiguity (ions; MCR and NMF).
    """

    method: Method = "mcr"
    k: int = 3
    window: tuple[float, float] | None = None
    channels: tuple[int, ...] | None = None
    poisson: bool = True
    constraints: Constraints = NONE
    bands: bool = False


def solve(
    spectrum: Spectrum, wish: Wish, progress: Progress | None = None, cancel: Cancel | None = None
) -> Factors:
    """Find factors, and their bands where they are wanted.

    Raises
    ------
    BadData, NotDetermined, Cancelled
        As `fitting.factors.analysis.analyse`.
    """
    share = 0.7 if wish.bands else 1.0

    def first(fraction: float, text: str) -> None:
        if progress is not None:
            progress(share * fraction, text)

    def then(fraction: float, text: str) -> None:
        if progress is not None:
            progress(share + (1.0 - share) * fraction, text)

    found = analyse(spectrum, wish.method, wish.k, wish.window, channels=wish.channels, poisson=wish.poisson,
                    constraints=wish.constraints, progress=first, cancel=cancel)  # fmt: skip
    if wish.bands and wish.method != "pca" and wish.k > 1 and found.labels:
        found = with_bands(found, then, cancel)
    return found


def solve_together(
    profiles: Sequence[Spectrum], wish: Wish, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Factors, ...]:
    """Find the common factors of several depth profiles, one result for each.

    Raises
    ------
    BadData
        If the profiles do not fit together, or constraints belong to one depth.
    NotDetermined, Cancelled
    """
    rules = wish.constraints
    if rules.unimodal or rules.outside or rules.points or rules.absent:
        raise BadData("Zeros, chosen points and one maximum belong to a single profile",
                      todo="Leave these constraints out, or analyse the profiles one by one")  # fmt: skip
    whole = joined(profiles, wish.channels)
    found = solve(whole.spectrum, replace(wish, channels=None), progress, cancel)
    return separated(found, whole)


def keep_together(project: Project, found: Sequence[tuple[str, Factors, str]]) -> tuple[Project, tuple[str, ...]]:
    """The project with the factors of several entries: (entry, factors, hash of its data) each; ids in their order."""
    ids = []
    for entry_id, factors, data_hash in found:
        project, id = keep_factors(project, entry_id, factors, data_hash)
        ids.append(id)
    return project, tuple(ids)


def find_factors(
    project: Project, entry_id: str, method: Method, k: int, window: tuple[float, float] | None = None, *,
    poisson: bool = True, progress: Progress | None = None, cancel: Cancel | None = None,
) -> tuple[Project, str]:
    """The project with one more factor analysis, and its id.

    Raises
    ------
    BadData, NotDetermined, Cancelled
        As `fitting.factors.analysis.analyse`.
    """
    spectrum = project.entry(entry_id).processed()
    found = solve(spectrum, Wish(method, k, window, poisson=poisson), progress, cancel)
    return keep_factors(project, entry_id, found, spectrum.hash)


def keep_factors(project: Project, entry_id: str, found: Factors, data_hash: str) -> tuple[Project, str]:
    """The project with the spectra and maps of an analysis, and its id."""
    entry, found = project.entry(entry_id), ordered(found)
    about = kept(found, fresh_id(found.method, {one.id for one in entry.factors}), data_hash,
                 entry.spectrum.axis.labels)  # fmt: skip
    maps = maps_of(found, about, entry.spectrum.meta.intensity_unit)
    entry = replace(entry.with_maps(maps), factors=(*entry.factors, about))
    return project.with_entry(entry), about.id


def analysis_of(entry: Entry, id: str) -> KeptFactors:
    """The factor analysis of that id."""
    for about in entry.factors:
        if about.id == id:
            return about
    raise UnknownName(f"There is no factor analysis {id}", where=entry.title)


def without_factors(project: Project, entry_id: str, id: str) -> Project:
    """The project without a factor analysis and its maps."""
    entry = project.entry(entry_id)
    analysis_of(entry, id)
    left = entry.without_maps(*(one.id for one in entry.maps if one.group == id))
    return project.with_entry(replace(left, factors=tuple(one for one in entry.factors if one.id != id)))


def rename_factor(project: Project, entry_id: str, id: str, index: int, name: str) -> Project:
    """Another name of a factor and its map."""
    entry, word = project.entry(entry_id), name.strip()
    about = analysis_of(entry, id)
    if not word or len(word) > 80:
        raise BadData("A factor needs a name of up to 80 characters", where=about.names[index])
    about = renamed(about, index, word)
    called = {f"{id}_{index + 1}": word, f"{id}_{index + 1}_image": f"{word}, image"}
    maps = [replace(one, name=called[one.id]) for one in entry.maps if one.id in called]
    factors = tuple(about if one.id == id else one for one in entry.factors)
    return project.with_entry(replace(entry.with_maps(maps), factors=factors))


def with_factor_traces(project: Project, entry_id: str, id: str) -> Project:
    """The project in which the profile shows the factors of an analysis."""
    entry = project.entry(entry_id)
    about = analysis_of(entry, id)
    traces = tuple(trace_name(id, index) for index in range(len(about.names)))
    return project.with_entry(replace(entry, profile=replace(entry.profile, ions=traces)))


def add_factor_spectra(project: Project, entry_id: str, id: str) -> Project:
    """The spectra of all factors as entries of their own, to be compared, fitted and exported."""
    entry = project.entry(entry_id)
    about = analysis_of(entry, id)
    spectra = [about.spectrum(index, entry.processed()) for index in range(len(about.names))]
    return add_spectra(project, spectra, project.sample(entry.sample).name)
