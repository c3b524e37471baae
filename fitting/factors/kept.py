"""What a project keeps of a factor analysis; the amounts are maps of the entry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum, frozen_array
from fitting.factors.analysis import Factors, Method
from fitting.image.maps import Map
from libraries.errors import BadData

TITLES: dict[str, str] = {"pca": "PCA", "nmf": "NMF", "mcr": "MCR"}
_WORDS = {"pca": "Component", "nmf": "Factor", "mcr": "Factor"}


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

    def __post_init__(self) -> None:
        for name in ("energy", "spectra", "singular"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
        if self.spectra.ndim != 2 or self.spectra.shape != (len(self.names), self.energy.size):
            raise BadData("Spectra and names of factors do not fit each other", where=self.id)

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


def kept(factors: Factors, id: str, data_hash: str) -> KeptFactors:
    """What is kept of an analysis."""
    word = _WORDS[factors.method]
    names = tuple(f"{word} {number}" for number in range(1, factors.k + 1))
    return KeptFactors(
        id, factors.method, factors.poisson, factors.window, factors.energy, factors.spectra,
        factors.tests.singular, factors.tests.edge, factors.lof, factors.lof_bound, factors.explained, factors.chi2,
        factors.noise_known, factors.iterations, factors.status, factors.tests.rows(), names, data_hash,
    )  # fmt: skip


def maps_of(factors: Factors, about: KeptFactors, unit: str) -> tuple[Map, ...]:
    """The amounts as maps."""
    pca = factors.method == "pca"
    scaling = "Poisson scaling" if factors.poisson else "no scaling"
    low, high = factors.window
    found = []
    for index, name in enumerate(about.names):
        what = "score of principal component" if pca else "counts of factor"
        origin = f"{about.title} ({scaling}, {low:g} to {high:g} eV): {what} {index + 1}"
        found.append(
            Map(
                f"{about.id}_{index + 1}", f"{TITLES[factors.method]} {name.lower()}", "" if pca else unit,
                factors.amounts[index], None if factors.errors is None else factors.errors[index], group=about.id,
                kind="factor", origin=origin if pca else f"{origin}; its error takes spectra as exact",
                data_hash=about.data_hash,
            )
        )  # fmt: skip
    return tuple(found)


def renamed(about: KeptFactors, index: int, name: str) -> KeptFactors:
    """The same with another name of one factor."""
    names = (*about.names[:index], name, *about.names[index + 1 :])
    return replace(about, names=names)
