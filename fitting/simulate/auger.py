"""Auger lines that belong to a photoelectron line: every core hole decays, so their intensity is not free.

The number of Auger electrons is the number of holes times the Auger yield. Na KLL is resolved into its five lines:
the weak KL1L23 1P lies at an apparent 531 (metal) to 537 eV (ion) with Al Ka, on top of O 1s.
"""

from __future__ import annotations

from dataclasses import dataclass

from libraries.auger import auger_lines

RATES = "Auger rates and yields of xraylib (T. Schoonjans et al., Spectrochim. Acta B 66, 776 (2011))"
MULTIPLETS = "multiplet shares as in neon, 1P : 3P = 2.7 and 1D : 1S = 6.4; from memory (unverified)"
SATELLITES = "distances from KL23L23 1D: Barrie & Street 1975, Steiner 1978, Kowalczyk 1973, via NIST SRD 20"


@dataclass(frozen=True)
class Feature:
    """A line of an Auger series.

    Attributes
    ----------
    name : str
    offset : float
        Kinetic energy relative to the main line of the series in eV, negative below it.
    share : float
        Share of all Auger electrons of the series.
    width : float
        Full width in eV, without the instrument.
    """

    name: str
    offset: float
    share: float
    width: float


@dataclass(frozen=True)
class Series:
    """Auger series of an element: the level whose hole decays, the Auger yield, and the lines."""

    hole: str
    electrons_per_hole: float
    features: tuple[Feature, ...]
    source: str


# Groups of Na from xraylib's rates: KL1L1 0.0888, KL1L23 0.2694, KL23L23 0.6277, the rest (0.014) KLM is left out.
# Widths are chosen: an L1 hole lives a short time (Coster-Kronig), so that the KL1 lines are broad.
_NA = Series(
    "1s",
    0.97867,
    (
        Feature("KL23L23 1D", 0.0, 0.5429, 1.5),
        Feature("KL23L23 1S", -4.75, 0.0848, 1.8),
        Feature("KL1L23 3P", -26.85, 0.0728, 3.2),
        Feature("KL1L23 1P", -39.3, 0.1966, 3.4),
        Feature("KL1L1 1S", -67.8, 0.0888, 5.0),
    ),
    f"{RATES}; {MULTIPLETS}; {SATELLITES}; widths chosen",
)


def _valence(yield_: float, groups: tuple[float, float, float], distances: tuple[float, float], width: float) -> Series:
    """Series of a light element whose final holes are in the valence band: three broad humps."""
    inner, middle, outer = groups
    features = (
        Feature("KL23L23", 0.0, outer, width),
        Feature("KL1L23", -distances[0], middle, 1.5 * width),
        Feature("KL1L1", -distances[1], inner, 2.0 * width),
    )
    return Series("1s", yield_, features, f"{RATES}; distances and widths of the humps chosen")


_SERIES: dict[str, Series] = {
    "Na": _NA,
    "C": _valence(0.99743, (0.4143, 0.4080, 0.1777), (8.0, 20.0), 9.0),
    "N": _valence(0.99565, (0.2663, 0.3895, 0.3442), (14.0, 30.0), 7.0),
    "O": _valence(0.99309, (0.1797, 0.3486, 0.4717), (20.0, 40.0), 5.5),
    "F": _valence(0.98955, (0.1271, 0.3095, 0.5633), (24.0, 46.0), 4.5),
    "V": Series(
        "2p",
        1.0,
        (
            Feature("L3M23M45", 0.0, 0.5, 8.0),
            Feature("L3M23M23", -37.9, 0.35, 11.0),
            Feature("L2M23M45", 7.5, 0.15, 9.0),
        ),
        "energies estimated by libraries.auger; shares and widths chosen",
    ),
}


def series(element: str) -> Series | None:
    """The Auger series that is simulated for an element, None where there is none."""
    return _SERIES.get(element)


def main_energy(element: str) -> float:
    """Kinetic energy in eV of the main line of the series of an element, for a state that does not give its own."""
    return auger_lines(element)[0].kinetic_energy
