"""What a project keeps of a factor analysis; the amounts are maps of the entry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum, frozen_array
from fitting.factors.analysis import Factors, Method
from fitting.image.maps import Map
from libraries.errors import BadData

TITLES: dict[str, str] = {"pca": "PCA", "nmf": "NMF", "mcr": "MCR"}
FURTHER = ("amounts", "errors", "low", "high", "low_spectra", "high_spectra", "shares", "yields", "yield_errors")
_WORDS = {"pca": "Component", "nmf": "Factor", "mcr": "Factor"}


def _nothing() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class KeptFactors:
    """Spectra and figures of merit of a factor analysis.

    Attributes
    ----------
    id : str
        Also the group of its maps.
    method, poisson, window, energy, spectra, lof, lof_bound, explained, chi2, noise_known, iterations, status
        As `fitting.factors.analysis.Factors` has them.
    singular : array
        The largest singular values of the scaled data.
    edge : float
        The largest that noise has.
    tests : tuple of (test, answer)
        How many factors there are.
    names : tuple of str
        What the factors are called.
    data_hash : str
        Of the processed image.
    labels : tuple of str
        Names of the analysed channels of a depth profile or cube of ions; `energy` then holds their places.
    constraints : tuple of str
        In words, beyond "zero or above".
    ambiguity : str
        How the bands were made, or why there are none; "" where they were not asked for.
    amounts, errors : array, shape (k, points)
        Of ions: counts of every factor along the depth (of a cube those of all pixels), and one standard error.
    low, high : array, shape (k, points)
        Limits of the amounts among the sets of factors that fit alike.
    low_spectra, high_spectra : array, shape (k, n)
        The same for the spectra.
    shares : array, shape (k, 2)
        Least and largest signal of a factor, |c s| / |C S| of the scaled data.
    yields, yield_errors : array, shape (k,)
        With closure: counts that every factor would give alone, 1/r.

        Arrays that were not worked out are empty.
    """

    id: str
    method: Method
    poisson: bool
    window: tuple[float, float]
    energy: FloatArray
    spectra: FloatArray
    singular: FloatArray
    edge: float
    lof: float
    lof_bound: float
    explained: float
    chi2: float
    noise_known: bool
    iterations: int
    status: str
    tests: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    data_hash: str = ""
    labels: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    ambiguity: str = ""
    amounts: FloatArray = field(default_factory=_nothing)
    errors: FloatArray = field(default_factory=_nothing)
    low: FloatArray = field(default_factory=_nothing)
    high: FloatArray = field(default_factory=_nothing)
    low_spectra: FloatArray = field(default_factory=_nothing)
    high_spectra: FloatArray = field(default_factory=_nothing)
    shares: FloatArray = field(default_factory=_nothing)
    yields: FloatArray = field(default_factory=_nothing)
    yield_errors: FloatArray = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        for name in ("energy", "spectra", "singular", *FURTHER):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
        if self.spectra.ndim != 2 or self.spectra.shape != (len(self.names), self.energy.size):
            raise BadData("Spectra and names of factors do not fit each other", where=self.id)
        if len(self.labels) not in (0, self.energy.size):
            raise BadData("Spectra of factors and names of ions do not fit each other", where=self.id)
        for name in FURTHER:
            array, like = getattr(self, name), self._like(name)
            if array.size and (array.shape[0] != len(self.names) or (like is not None and array.shape != like.shape)):
                raise BadData(f"The {name} of factors do not fit their spectra", where=self.id)

    def _like(self, name: str) -> FloatArray | None:
        """The array that one of `FURTHER` must have the shape of."""
        if name in ("errors", "low", "high"):
            return self.amounts
        return self.spectra if name in ("low_spectra", "high_spectra") else None

    @property
    def closed(self) -> bool:
        """Whether closure holds: amounts over yields are shares of the phases."""
        return self.yields.size > 0

    @property
    def places(self) -> tuple[int, ...]:
        """Of named channels: where they stand on the axis."""
        return tuple(round(value) for value in self.energy) if self.labels else ()

    @property
    def range_words(self) -> str:
        """What was analysed: "12 ions" or "0 to 20 eV"."""
        if self.labels:
            return f"{len(self.labels)} ions"
        return f"{self.window[0]:.6g} to {self.window[1]:.6g} eV"

    @property
    def title(self) -> str:
        """ "MCR, 4 factors"."""
        return f"{TITLES[self.method]}, {len(self.names)} {_WORDS[self.method].lower()}s"

    def spectrum(self, index: int, like: Spectrum) -> Spectrum:
        """One factor as a spectrum of its own: the noise of its channels is not known.

        Parameters
        ----------
        like : Spectrum
            The analysed image: beam, sample and axis are its own.
        """
        name = f"{self.names[index]} of {like.name}"
        if self.labels:
            axis = like.axis.part(np.asarray(self.places))
            said = (("factor analysis", f"{self.title}, {self.range_words}"),)
            meta = Meta(title=name, region=name, technique=like.meta.technique, sample=like.meta.sample,
                        intensity_unit="arbitrary", extra=said)  # fmt: skip
            return Spectrum(axis, self.spectra[index], Noise("unknown"), meta)
        meta = Meta(
            title=name, region=name, technique=like.meta.technique, sample=like.meta.sample,
            beam_energy=like.meta.beam_energy, convergence_angle=like.meta.convergence_angle,
            collection_angle=like.meta.collection_angle, intensity_unit="arbitrary",
            extra=(("factor analysis", f"{self.title}, {self.window[0]:g} to {self.window[1]:g} {like.axis.unit}"),),
        )  # fmt: skip
        part = like.axis.window(*self.window)
        axis = like.axis.part(part) if part.stop - part.start == self.energy.size else Axis(
            self.energy, like.axis.quantity, like.axis.unit)
        return Spectrum(axis, self.spectra[index], Noise("unknown"), meta)


def kept(factors: Factors, id: str, data_hash: str, labels: tuple[str, ...] = ()) -> KeptFactors:
    """What is kept of an analysis.

    Parameters
    ----------
    labels : tuple of str
        Names of all channels of the measurement, for the words of the constraints.
    """
    word = _WORDS[factors.method]
    names = tuple(f"{word} {number}" for number in range(1, factors.k + 1))
    further = {name: getattr(factors, name) for name in FURTHER if name not in ("amounts", "errors")}
    further |= {"amounts": factors.depth, "errors": factors.depth_errors}
    words = factors.constraints.words(labels)
    if factors.words:
        words = (factors.words, *words)
    return KeptFactors(
        id, factors.method, factors.poisson, factors.window, factors.energy, factors.spectra,
        factors.tests.singular, factors.tests.edge, factors.lof, factors.lof_bound, factors.explained, factors.chi2,
        factors.noise_known, factors.iterations, factors.status, factors.tests.rows(), names, data_hash,
        labels=factors.labels, constraints=words, ambiguity=factors.ambiguity,
        **{name: array for name, array in further.items() if array is not None},
    )  # fmt: skip


def maps_of(factors: Factors, about: KeptFactors, unit: str) -> tuple[Map, ...]:
    """The amounts as maps; those of a depth profile are kept with the spectra.

    Of a cube of ions: amounts in every voxel, in sixteenths of a count so that they take little room in a file, and
    over the image.
    """
    if factors.labels and factors.amounts.ndim == 2:
        return ()
    pca = factors.method == "pca"
    scaling = "Poisson scaling" if factors.poisson else "no scaling"
    found = []
    for index, name in enumerate(about.names):
        what = "score of principal component" if pca else "counts of factor"
        origin = f"{about.title} ({scaling}, {about.range_words}): {what} {index + 1}"
        title = f"{TITLES[factors.method]} {name.lower()}"
        values, errors = factors.amounts[index], None if factors.errors is None else factors.errors[index]
        key, cube = f"{about.id}_{index + 1}", factors.amounts.ndim == 4
        if not pca:
            origin += "; single voxels, zero or above" if cube else "; its error takes spectra as exact"
        if cube and not pca:
            values = np.round(values * 16.0) / 16.0
        found.append(Map(key, title, "" if pca else unit, values, errors, group=about.id, kind="factor", origin=origin,
                         data_hash=about.data_hash))  # fmt: skip
        if cube and factors.image is not None:
            error = None if factors.image_errors is None else factors.image_errors[index]
            origin = f"{about.title} ({scaling}, {about.range_words}): counts of factor {index + 1} in all scans "
            origin += "together; its error takes spectra as exact"
            found.append(Map(f"{key}_image", f"{title}, image", unit, factors.image[index], error, group=about.id,
                             kind="factor", origin=origin, data_hash=about.data_hash))  # fmt: skip
    return tuple(found)


def renamed(about: KeptFactors, index: int, name: str) -> KeptFactors:
    """The same with another name of one factor."""
    names = (*about.names[:index], name, *about.names[index + 1 :])
    return replace(about, names=names)
