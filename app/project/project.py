"""The project: spectra with their recipes, fits and settings. Frozen; every change makes a new project.

    Project
      samples   what was measured: name, material for the attenuation length
      entries   one spectrum each: raw data, recipe, fits (regions with model and result), the sample it belongs to
      history   what was done, in words
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from app.project.loss_settings import LossSettings
from app.project.valence_study import ValenceStudy
from fitting.dataset import Spectrum
from fitting.eels.core_setup import CoreLoss
from fitting.eels.fine_setup import FineSetup
from fitting.factors.kept import KeptFactors
from fitting.identity import same
from fitting.image.maps import Map
from fitting.image.place import ALL, Place, Roi
from fitting.image.profiles import Line
from fitting.image.windows import Window
from fitting.model import FitModel
from fitting.processing.mass_scale import law_step
from fitting.recipe import Recipe
from fitting.result import FitResult
from fitting.sims.by_xps_setup import ByXps
from fitting.sims.sensitivity_setup import SensitivitySetup
from fitting.sims.setup import DepthScale, Interface, LayerSetup, MassSetup, ProfileLook, VolumeLook
from fitting.xps.layers import StackLayer
from fitting.xps.study import Study
from libraries.errors import UnknownName

_KEPT = 64  # spectra of single places that an image keeps


@dataclass(frozen=True, eq=False)
class RegionFit:
    """One region of a spectrum: the model as the user edits it and, once fitted, its result.

    `result.model` equals `model` while the result is current; an edit of the model leaves the old result out.
    `place` says which spectra of an image the result was fitted to (`fitting.image.place.Place`); "" for a single
    spectrum or all of them.
    """

    id: str
    model: FitModel
    result: FitResult | None = None
    place: str = ""

    @property
    def name(self) -> str:
        return self.model.name or self.id


@dataclass(frozen=True, eq=False)
class Entry:
    """A spectrum in the project.

    Attributes
    ----------
    variable, value, unit : str, float or None, str
        Its place in a series: what was varied ("depth", "emission angle", "sputter time"), how far, and in which unit.
    rois : tuple of Roi
        Shapes drawn on an image.
    windows : tuple of Window
        Energy windows of its maps.
    lines : tuple of Line
        Lines drawn on an image, for profiles.
    maps : tuple of Map
        Computed from the processed image, in the order of the gallery.
    low_loss : str
        Id of the entry that holds the low loss of the same scan (dual EELS); "" for none.
    factors : tuple of KeptFactors
        Factor analyses of the image; their amounts are among the maps.
    loss : LossSettings
        What the analyst says of its low loss.
    fine : tuple of FineSetup
        What is read from its edges for their fine structure.
    profile : ProfileLook
        How a depth profile is looked at.
    depth : DepthScale
        How its sputter time becomes depth.
    interfaces : tuple of Interface
        Steps of its traces that are evaluated.
    layering : LayerSetup
        From what its layers are told.
    masses : MassSetup
        Calibrants, peak list and mass resolution.
    volume : VolumeLook
        How a cube is drawn in three dimensions.
    sensitivity : SensitivitySetup
        Sensitivity factors of its ions in one matrix.
    by_xps : ByXps
        XPS compositions at some of its depths, by which its factors are calibrated.
    """

    id: str
    spectrum: Spectrum
    sample: str = ""
    name: str = ""
    recipe: Recipe = field(default_factory=Recipe)
    fits: tuple[RegionFit, ...] = ()
    variable: str = ""
    value: float | None = None
    unit: str = ""
    rois: tuple[Roi, ...] = ()
    maps: tuple[Map, ...] = ()
    windows: tuple[Window, ...] = ()
    lines: tuple[Line, ...] = ()
    low_loss: str = ""
    factors: tuple[KeptFactors, ...] = ()
    core: CoreLoss = field(default_factory=CoreLoss)
    loss: LossSettings = field(default_factory=LossSettings)
    fine: tuple[FineSetup, ...] = ()
    profile: ProfileLook = field(default_factory=ProfileLook)
    depth: DepthScale = field(default_factory=DepthScale)
    interfaces: tuple[Interface, ...] = ()
    layering: LayerSetup = field(default_factory=LayerSetup)
    masses: MassSetup = field(default_factory=MassSetup)
    volume: VolumeLook = field(default_factory=VolumeLook)
    sensitivity: SensitivitySetup = field(default_factory=SensitivitySetup)
    by_xps: ByXps = field(default_factory=ByXps)

    @property
    def title(self) -> str:
        """What lists call it."""
        return self.name or self.spectrum.name

    @property
    def photon_energy(self) -> float | None:
        """Photon energy in eV: as a step of the recipe tells, else as the file does; None where neither knows."""
        told = [step.number("photon_energy") for step in self.recipe.active if step.kind == "photon_energy"]
        return told[-1] if told else self.spectrum.meta.photon_energy

    def processed(self) -> Spectrum:
        """The spectrum after its recipe."""
        return self.recipe.apply(self.spectrum)

    def single(self, place: Place = ALL) -> Spectrum:
        """One spectrum after the recipe: of an image or series the sum over the pixels of a place.

        Raises
        ------
        BadData, UnknownName
            If there is no such place.
        """
        spectrum = self.processed()
        if not spectrum.navigation:
            return spectrum
        key = (str(place), next((roi for roi in self.rois if roi.id == place.roi), None))
        known: dict[object, Spectrum] = spectrum.__dict__.setdefault("_singles", {})
        if key not in known:
            shape = tuple(len(axis) for axis in spectrum.navigation)
            if len(known) >= _KEPT:
                known.pop(next(iter(known)))
            known[key] = spectrum.summed(None if place == ALL else place.mask(shape, self.rois))
        return known[key]

    def with_maps(self, maps: Iterable[Map]) -> Entry:
        """A copy with maps added at the end; one of a known id replaces the old one in its place."""
        new = {one.id: one for one in maps}
        kept = tuple(new.pop(one.id, one) for one in self.maps)
        return replace(self, maps=(*kept, *new.values()))

    def without_maps(self, *ids: str) -> Entry:
        """A copy without these maps."""
        return replace(self, maps=tuple(one for one in self.maps if one.id not in ids))

    def map(self, id: str) -> Map:
        """The map of that id."""
        for one in self.maps:
            if one.id == id:
                return one
        raise UnknownName(f"There is no map {id}", where=self.title)

    def fit(self, id: str) -> RegionFit:
        """The fit of that id."""
        for fit in self.fits:
            if fit.id == id:
                return fit
        raise UnknownName(f"There is no region {id}", where=self.title)

    def with_fit(self, fit: RegionFit) -> Entry:
        """A copy with a fit added, or replaced where its id exists."""
        if any(f.id == fit.id for f in self.fits):
            return replace(self, fits=tuple(fit if f.id == fit.id else f for f in self.fits))
        return replace(self, fits=(*self.fits, fit))

    def without_fit(self, id: str) -> Entry:
        """A copy without that fit."""
        self.fit(id)
        return replace(self, fits=tuple(f for f in self.fits if f.id != id))


@dataclass(frozen=True)
class Layering:
    """What the analyst supposes of the layers of a sample.

    Attributes
    ----------
    overlayer, substrate : str
        Quantities of the composition, one in the overlayer and one beneath it: an element ("F") or a component
        ("C 1s carbonate").
    overlayer_material, substrate_material : str
        Materials of `libraries.attenuation`.
    emission_angle : float or None
        Degrees from the surface normal, for spectra whose file records none.
    pure_ratio : float or None
        Measured ratio of the two lines of the pure materials; None where it follows from their densities.
    stack : tuple of StackLayer
        Layers from the surface down to the substrate, for a fit of many angles.
    """

    overlayer: str = ""
    substrate: str = ""
    overlayer_material: str = ""
    substrate_material: str = ""
    emission_angle: float | None = None
    pure_ratio: float | None = None
    stack: tuple[StackLayer, ...] = ()


@dataclass(frozen=True)
class Sample:
    """What was measured.

    Attributes
    ----------
    material : str
        Name in `libraries.attenuation` of the material in which lambda is taken; "" for the average matrix.
    factors : str
        Name of the project's factor set that is used; "" for Scofield's cross-sections.
    transmission_exponent : float or None
        n of T = KE**n for spectra whose file records no transmission function; None for T = 1.
    layering : Layering
        What is supposed of its layers.
    transmission : tuple of (kinetic energy in eV, T)
        The user's transmission function; where there is one it is used in place of the files' own.
    fallback : bool
        Whether lines that the factor set lacks take Scofield's cross-sections.
    ratios : tuple of str
        Atomic ratios to be shown, "Na/F".
    studies : tuple of Study
        Bootstrap and model spread of its compositions.
    """

    id: str
    name: str
    material: str = ""
    note: str = ""
    factors: str = ""
    transmission_exponent: float | None = None
    layering: Layering = Layering()
    transmission: tuple[tuple[float, float], ...] = ()
    fallback: bool = False
    ratios: tuple[str, ...] = ()
    studies: tuple[Study, ...] = ()


@dataclass(frozen=True)
class Tie:
    """A parameter of one region that follows parameters of other regions, of the same or of other spectra.

    Attributes
    ----------
    target : str
        "entry/region/component.parameter".
    formula : str
        In the grammar of `fitting.constraints`; other regions' parameters stand as {entry/region/component.parameter}.
    note : str
        Why, for people.
    """

    target: str
    formula: str
    note: str = ""


@dataclass(frozen=True)
class HistoryItem:
    """One thing done: when (ISO 8601, UTC) and what, in words."""

    when: str
    text: str


@dataclass(frozen=True, eq=False)
class Project:
    """All of a piece of work.

    Attributes
    ----------
    ties : tuple of Tie
        Links between regions; regions that are tied are fitted together.
    factor_sets : tuple of (name, text)
        Sensitivity factors that the user brought, as text of `libraries.sensitivity.FactorSet.to_csv`.
    valence : ValenceStudy
        References and calibrations for valences.
    """

    name: str = "Untitled"
    samples: tuple[Sample, ...] = ()
    entries: tuple[Entry, ...] = ()
    history: tuple[HistoryItem, ...] = ()
    note: str = ""
    ties: tuple[Tie, ...] = ()
    factor_sets: tuple[tuple[str, str], ...] = ()
    valence: ValenceStudy = field(default_factory=ValenceStudy)

    def entry(self, id: str) -> Entry:
        """The entry of that id."""
        for entry in self.entries:
            if entry.id == id:
                return entry
        raise UnknownName(f"There is no spectrum {id}", where=self.name)

    def find(self, name: str) -> Entry:
        """The first entry with that id or title.

        Raises
        ------
        UnknownName
            With the titles that exist.
        """
        for entry in self.entries:
            if name in (entry.id, entry.title):
                return entry
        titles = ", ".join(dict.fromkeys(e.title for e in self.entries)) or "none"
        raise UnknownName(f"There is no spectrum {name!r}", where=self.name, todo=f"There are: {titles}")

    def sample(self, id: str) -> Sample:
        """The sample of that id."""
        for sample in self.samples:
            if sample.id == id:
                return sample
        raise UnknownName(f"There is no sample {id}", where=self.name)

    def entries_of(self, sample: str) -> tuple[Entry, ...]:
        """The entries of a sample, in order."""
        return tuple(entry for entry in self.entries if entry.sample == sample)

    def with_entry(self, entry: Entry) -> Project:
        """A copy with an entry added at the end, or replaced where its id exists."""
        if any(e.id == entry.id for e in self.entries):
            return replace(self, entries=tuple(entry if e.id == entry.id else e for e in self.entries))
        return replace(self, entries=(*self.entries, entry))

    def without_entry(self, *ids: str) -> Project:
        """A copy without these entries."""
        for id in ids:
            self.entry(id)
        return replace(self, entries=tuple(e for e in self.entries if e.id not in ids))

    def map_entries(self, change: Callable[[Entry], Entry], sample: str | None = None) -> Project:
        """A copy in which `change` was applied to the entries (of one sample)."""
        entries = tuple(change(e) if sample is None or e.sample == sample else e for e in self.entries)
        return replace(self, entries=entries)

    def with_sample(self, sample: Sample) -> Project:
        """A copy with a sample added, or replaced where its id exists."""
        if any(s.id == sample.id for s in self.samples):
            return replace(self, samples=tuple(sample if s.id == sample.id else s for s in self.samples))
        return replace(self, samples=(*self.samples, sample))

    def with_history(self, when: str, text: str) -> Project:
        """A copy with one more history item."""
        return replace(self, history=(*self.history, HistoryItem(when, text)))

    def equals(self, other: Project) -> bool:
        """Whether two projects are equal in every field."""
        return same(self, other)


def fresh_id(prefix: str, taken: tuple[str, ...] | set[str]) -> str:
    """An id not taken yet: prefix made plain, with a number behind it where needed ("c1s", "c1s_2", ...)."""
    stem = re.sub(r"[^a-z0-9]+", "_", prefix.lower()).strip("_") or "item"
    if stem not in taken:
        return stem
    number = 2
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


def add_spectra(project: Project, spectra: list[Spectrum], sample: str = "") -> Project:
    """The project with spectra added, each to the sample that its file names (or to `sample`).

    Channels of a time-of-flight spectrum get the step to m/z that their file gives.

    Parameters
    ----------
    spectra : list of Spectrum
    sample : str, optional
        Name to use instead of the files' own.
    """
    for spectrum in spectra:
        name = sample or spectrum.meta.sample or "Sample"
        known = {s.name: s.id for s in project.samples}
        if name not in known:
            project = project.with_sample(Sample(fresh_id(name, {s.id for s in project.samples}), name))
            known = {s.name: s.id for s in project.samples}
        id = fresh_id(spectrum.name, {e.id for e in project.entries})
        law = law_step(spectrum)
        recipe = Recipe() if law is None else Recipe((law,))
        project = project.with_entry(Entry(id, spectrum, known[name], recipe=recipe))
    return project
