"""What simulated materials do to a fast electron: dielectric function, atoms per volume, fine structure of their edges.

Loss functions are those of damped oscillators, so that they obey Kramers and Kronig and are not the shapes that a fit
takes. Energies follow cited loss maxima where there are any (Hou et al., Small 2023, doi 10.1002/smll.202301415, for
sodium and hollow carbon); everything else is chosen, and marked so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from fitting.eels.drude import ComplexArray
from libraries.attenuation import material as solid

AVOGADRO_NM3 = 602.214076  # atoms in nm^3 for 1 mol/cm^3 (N_A 1e-21)


@dataclass(frozen=True)
class Line:
    """A narrow line near an edge: its energy and Gaussian width in eV, and its strength in eV of the edge's height."""

    position: float
    fwhm: float
    strength: float


@dataclass(frozen=True)
class EdgeShape:
    """An edge of a material: name in the library, onset in eV, and what stands at the onset.

    `step` is the width in eV (10 to 90 % of an error function) over which the edge rises.
    """

    name: str
    onset: float
    lines: tuple[Line, ...] = ()
    step: float = 1.0


@dataclass(frozen=True)
class LossMaterial:
    """A simulated material.

    Attributes
    ----------
    name : str
        Of the table of `libraries.attenuation`, which has its formula and density.
    oscillators : tuple of (energy, strength, width)
        In eV: eps = 1 + sum strength^2/(energy^2 - E^2 - i E width); energy 0 for free electrons.
    atoms : tuple of (element, atoms a formula unit)
    edges : tuple of EdgeShape
    """

    name: str
    oscillators: tuple[tuple[float, float, float], ...]
    atoms: tuple[tuple[str, float], ...]
    edges: tuple[EdgeShape, ...]

    def permittivity(self, energy: FloatArray) -> ComplexArray:
        """Complex permittivity at losses above zero, shape (n,)."""
        terms = (strength**2 / (e0**2 - energy**2 - 1j * energy * width) for e0, strength, width in self.oscillators)
        return np.asarray(1.0 + sum(terms), dtype=complex)

    def atoms_per_nm3(self, element: str) -> float:
        """Number density of an element in 1/nm^3."""
        found = solid(self.name)
        return dict(self.atoms).get(element, 0.0) * found.density / found.molar_mass * AVOGADRO_NM3


# Maxima of the loss function: 5.4 and 23 eV (pi-pi* of pristine hollow carbon: Hou et al., Small 2023; pi+sigma at the
# low end of 22 to 27 eV: Daniels et al., Philos. Mag. 87 (2007) 4073). pi* at 285, sigma* at 292 eV.
CARBON = LossMaterial(
    "hard carbon", ((3.95, 6.0, 1.9), (13.4, 18.4, 9.0)), (("C", 1.0),),
    (EdgeShape("C K", 288.0, (Line(285.0, 1.4, 1.6), Line(292.3, 4.0, 3.0)), 3.0),),
)  # fmt: skip
# Bulk plasmon at 5.7 eV (Hou et al. 2023), half-width 0.3 eV (Raether, cited in Intl. Tables Cryst. C), here 0.4 eV.
SODIUM = LossMaterial(
    "Na metal", ((0.0, 5.72, 0.40), (34.0, 4.0, 8.0)), (("Na", 1.0),),
    (EdgeShape("Na L2,3", 31.0, (Line(31.2, 0.5, 0.3),), 0.5), EdgeShape("Na K", 1072.0, (), 1.5)),
)  # fmt: skip
# Gap 11.6 eV (table of the attenuation lengths, unverified); oscillators and excitons are chosen: a sharp doublet at
# the Na L2,3 edge is what the literature says of sodium halides, without energies that could be read.
FLUORIDE = LossMaterial(
    "NaF", ((11.6, 4.6, 1.3), (17.5, 16.0, 6.0)), (("Na", 1.0), ("F", 1.0)),
    (
        EdgeShape("Na L2,3", 33.6, (Line(33.2, 0.6, 3.0), Line(35.6, 1.4, 3.0)), 0.8),
        EdgeShape("F K", 690.0, (Line(692.0, 3.0, 4.0),), 2.0),
        EdgeShape("Na K", 1076.0, (Line(1077.5, 2.5, 3.0),), 2.0),
    ),
)  # fmt: skip
# A polymer-like interphase of sodium carbonate; oscillators chosen, gap 5 eV of the table.
CARBONATE = LossMaterial(
    "Na2CO3", ((8.4, 4.2, 2.4), (17.0, 17.0, 9.0)), (("Na", 2.0), ("C", 1.0), ("O", 3.0)),
    (
        EdgeShape("Na L2,3", 33.0, (Line(33.4, 1.2, 2.0),), 1.0),
        EdgeShape("C K", 290.5, (Line(290.3, 1.2, 3.0), Line(298.0, 5.0, 4.0)), 3.0),
        EdgeShape("O K", 534.0, (Line(534.0, 1.8, 2.5), Line(541.0, 6.0, 5.0)), 2.5),
        EdgeShape("Na K", 1074.0, (Line(1076.0, 3.0, 3.0),), 2.0),
    ),
)  # fmt: skip
