"""The XPS sample project: four samples whose composition is known, as `SampleSpec` with the windows to measure.

Compositions, widths, asymmetries and charging are chosen to look like such surfaces; binding energies are cited and
come from the library where it has them. Every sample is treated as homogeneous: for a film on a substrate the at.%
are an *apparent* homogeneous composition, that of a homogeneous solid with the same zero-loss intensities.
"""

from __future__ import annotations

from functools import lru_cache

from fitting.simulate.loss import CARBON, NA_FILM, NA_PLASMON, UNDER_NA, UNIVERSAL, Loss
from fitting.simulate.specimen import Acquisition, SampleSpec, Satellite, State
from libraries.compounds import auger_parameters, differences, lines_of
from libraries.elements import parse_line
from libraries.errors import UnknownName

C1S_REFERENCE = 284.6
REFERENCE_SOURCE = "energy scale of the sample project, as Schaefer et al., Adv. Energy Mater. 14 (2024)"
NAMES = ("VN on sodium", "Cycled hard carbon", "Na on hard carbon", "Na on HOPG")
# Share of the pi-pi* shake-up of sp2 carbon and its distance: 290.9-291.2 minus 284.5 eV, Morgan, C 7 (2021) 51; the
# share and width are chosen.
PI_PI_STAR = Satellite("pi-pi*", 6.5, 0.07, 2.6)


def cited(compound: str, line: str, reference: str = "") -> tuple[float, str]:
    """Median binding energy in eV of a line of a compound in the library, and its source.

    Raises
    ------
    UnknownName
        If the library has no such line.
    """
    for item in lines_of(compound):
        if item.line == parse_line(line) and reference in ("", item.reference):
            return item.central, item.source
    raise UnknownName(f"The library has no {line} of {compound} on the reference '{reference}'")


def _gap(compound: str, upper: str, lower: str) -> float:
    """Cited charge-free distance of two lines in eV."""
    for item in differences(compound):
        if (item.upper, item.lower) == (parse_line(upper), parse_line(lower)):
            return item.central
    raise UnknownName(f"The library has no distance {upper} - {lower} of {compound}")


def _ion_auger(binding_energy: float) -> float:
    """Kinetic energy of Na KLL of an ion from the Auger parameter of a sodium-ion layer."""
    return auger_parameters("Na+ layer from TFSI ionic liquid")[0].central - binding_energy


def _sodium(name: str, energy: float, amount: float, source: str, gauss: float = 1.3) -> State:
    return State(name, "Na", "1s", energy, amount, gauss, auger_energy=_ion_auger(energy), source=source)


def _carbonate(amount: float) -> tuple[State, ...]:
    """Na2CO3: C at its cited energy, O and Na at the distances measured in one paper."""
    carbon, source = cited("Na2CO3", "C 1s")
    oxygen = carbon + _gap("Na2CO3", "O 1s", "C 1s")
    sodium = carbon + _gap("Na2CO3", "Na 1s", "C 1s")
    return (
        State("Na2CO3 C", "C", "1s", carbon, amount, 1.15, source=source),
        State("Na2CO3 O", "O", "1s", oxygen, 3.0 * amount, 1.35, source=source),
        _sodium("Na2CO3 Na", sodium, 2.0 * amount, source),
    )


def _fluoride(amount: float) -> tuple[State, ...]:
    fluorine, source = cited("NaF", "F 1s", "adC")
    sodium = fluorine + _gap("NaF", "Na 1s", "F 1s")
    return (
        State("NaF F", "F", "1s", fluorine, amount, 1.45, source=source),
        _sodium("NaF Na", sodium, amount, source),
    )


def _perchlorate(amount: float) -> tuple[State, ...]:
    chlorine, source = cited("NaClO4", "Cl 2p3/2")
    oxygen = chlorine + _gap("NaClO4", "O 1s", "Cl 2p3/2")
    return (
        State("NaClO4 Cl", "Cl", "2p3/2", chlorine, amount, 0.95, source=source),
        State("NaClO4 O", "O", "1s", oxygen, 4.0 * amount, 1.2, source=source),
        _sodium("NaClO4 Na", cited("NaClO4", "Na 1s")[0], amount, source),
    )


def _oxide(amount: float) -> tuple[State, ...]:
    """Na2O on the scale of the Fermi level."""
    sodium, source = cited("Na2O", "Na 1s")
    oxygen = cited("Na2O", "O 1s")[0]
    return (
        _sodium("Na2O Na", sodium, 2.0 * amount, source),
        State("Na2O O", "O", "1s", oxygen, amount, 1.2, source=source),
    )


def _ether(carbon: float) -> tuple[State, ...]:
    """C-O-C groups: one oxygen for two carbon atoms."""
    energy, source = cited("PEO", "C 1s", "adC")
    return (
        State("C-O C", "C", "1s", energy, carbon, 1.15, source=source),
        State("C-O O", "O", "1s", cited("PEO", "O 1s", "adC")[0], carbon / 2.0, 1.4, source=source),
    )


def _ketone(carbon: float) -> tuple[State, ...]:
    """C=O groups; the O 1s is that of the C=O of a polycarbonate, the nearest cited one."""
    oxygen, source = cited("poly(trimethylene carbonate)", "O 1s")
    energies = "C 1s 287.5-288.3, middle; Morgan, C 7 (2021) 51"
    return (
        State("C=O C", "C", "1s", 287.9, carbon, 1.15, source=energies),
        State("C=O O", "O", "1s", oxygen, carbon, 1.4, source=source),
    )


def _sp2(amount: float, *, gauss: float, asymmetry: float, loss: Loss | None = None) -> State:
    return State(
        "sp2 C", "C", "1s", C1S_REFERENCE, amount, gauss, asymmetry=asymmetry, satellites=(PI_PI_STAR,), loss=loss,
        source=REFERENCE_SOURCE,
    )


def _metal_film(amount: float, intrinsic: float) -> State:
    """Metallic Na on carbon; `intrinsic` is the share of its intensity that intrinsic plasmons take."""
    energy, source = cited("Na metal film on HOPG", "Na 1s")
    plasmons = (Satellite("intrinsic plasmon", NA_PLASMON, intrinsic, 1.2),) if intrinsic else ()
    kinetic = auger_parameters("Na metal")[0].central - energy
    return State(
        "Na metal Na", "Na", "1s", energy, amount, 0.5, asymmetry=0.15, cutoff=3.0, satellites=plasmons,
        auger_energy=kinetic, loss=NA_FILM, source=source,
    )


# ------------------------------------------------------------------------------------------------------------ windows
SURVEY = Acquisition("Survey", 0.0, 1250.0, 0.5, 160.0, 0.1, 3.0)
C_1S = Acquisition("C 1s", 279.0, 299.0, 0.1, 20.0, 0.1, 10.0, "C", "1s")
C_1S_SHARP = Acquisition("C 1s", 279.0, 299.0, 0.05, 10.0, 0.1, 6.0, "C", "1s")
# The tail of Cl 2s (near 279 eV) reaches under C 1s: the window shows it.
C_1S_BESIDE_CL = Acquisition("C 1s", 268.0, 299.0, 0.1, 20.0, 0.1, 10.0, "C", "1s")
# KL1L23 of Na stands beside and under O 1s (519 and 531 eV of the metal, 524 and 537 eV of the ion), and the losses of
# KL23L23 (492 and 497 eV) make the background there: the windows hold the whole series but its last line.
O_1S = Acquisition("O 1s", 484.0, 546.0, 0.2, 20.0, 0.2, 3.0, "O", "1s")
V_2P_O_1S = Acquisition("V 2p + O 1s", 484.0, 545.0, 0.1, 20.0, 0.1, 5.0, "V", "2p")
F_1S = Acquisition("F 1s", 677.0, 697.0, 0.1, 20.0, 0.1, 10.0, "F", "1s")
N_1S = Acquisition("N 1s", 391.0, 407.0, 0.1, 20.0, 0.1, 10.0, "N", "1s")
CL_2P = Acquisition("Cl 2p", 193.0, 217.0, 0.1, 20.0, 0.1, 50.0, "Cl", "2p")
NA_1S = Acquisition("Na 1s", 1063.0, 1083.0, 0.1, 20.0, 0.1, 5.0, "Na", "1s")
NA_1S_WIDE = Acquisition("Na 1s", 1062.0, 1097.0, 0.1, 20.0, 0.1, 5.0, "Na", "1s")
NA_1S_STRONG = Acquisition("Na 1s", 1062.0, 1097.0, 0.1, 20.0, 0.1, 3.0, "Na", "1s")


# ------------------------------------------------------------------------------------------------------------ samples
def _vn_on_sodium() -> SampleSpec:
    vanadium, source = cited("VN on Na", "V 2p3/2")
    oxidised, oxide_source = cited("VO2", "V 2p3/2", "adC")
    oxygen = oxidised + _gap("VO2", "O 1s", "V 2p3/2")
    metal, metal_source = cited("Na metal", "Na 1s", "EF")
    kinetic = auger_parameters("Na metal")[0].central - metal
    states = (
        State("VN V", "V", "2p3/2", vanadium, 20.0, 0.8, asymmetry=0.12, source=source),
        State("VN N", "N", "1s", cited("VN on Na", "N 1s")[0], 20.0, 0.9, source=source),
        State("V-O V", "V", "2p3/2", oxidised, 5.0, 1.9, source=oxide_source),
        State("V-O O", "O", "1s", oxygen, 10.0, 1.3, source=oxide_source),
        *_carbonate(4.0),
        State("Na metal Na", "Na", "1s", metal, 1.5, 0.7, asymmetry=0.15, auger_energy=kinetic, source=metal_source),
        State("adventitious C", "C", "1s", C1S_REFERENCE, 16.0, 1.1, source=REFERENCE_SOURCE),
        *_ether(4.0),
    )
    return SampleSpec(
        NAMES[0], "VN", states, UNIVERSAL, 0.12, "adventitious C",
        (SURVEY, V_2P_O_1S, N_1S, C_1S, NA_1S),
        "VN film on sodium, partly oxidised, with carbonate; energies of VN from Xia et al. (2022)",
    )


def _cycled_hard_carbon() -> SampleSpec:
    states = (
        _sp2(36.0, gauss=0.75, asymmetry=0.09),
        *_ether(10.0),
        *_ketone(5.0),
        *_carbonate(5.0),
        *_fluoride(8.0),
        *_perchlorate(0.8),
    )
    return SampleSpec(
        NAMES[1], "hard carbon", states, CARBON, 0.85, "sp2 C", (SURVEY, C_1S_BESIDE_CL, O_1S, F_1S, NA_1S, CL_2P),
        "Hard carbon with solid-electrolyte interphase; the salt layers charge by an unknown amount",
    )


def _na_on_hard_carbon(intrinsic: float) -> SampleSpec:
    dissolved = "between the ions (1071.2-1071.7 eV) and the metal; no cited value, chosen"
    states = (
        _sp2(64.0, gauss=0.75, asymmetry=0.09),
        *_ether(5.0),
        _sodium("dissolved Na", 1071.4, 12.0, dissolved),
        _metal_film(4.0, intrinsic),
        *_oxide(1.5),
    )
    return SampleSpec(
        NAMES[2], "hard carbon", states, CARBON, -0.25, "sp2 C", (SURVEY, C_1S, O_1S, NA_1S_WIDE),
        "Na deposited on hard carbon: most of it dissolves, some stays metallic; apparent homogeneous composition",
    )


def _na_on_hopg(intrinsic: float) -> SampleSpec:
    states = (
        _sp2(66.0, gauss=0.3, asymmetry=0.07, loss=UNDER_NA),
        _metal_film(27.0, intrinsic),
    )
    return SampleSpec(
        NAMES[3], "graphite", states, CARBON, 0.08, "sp2 C", (SURVEY, C_1S_SHARP, O_1S, NA_1S_STRONG),
        "Metallic Na film of 2-3 monolayers on HOPG; apparent homogeneous composition. There is no oxygen: what stands "
        "in the O 1s window is Na KL1L23 and its plasmon losses",
    )


@lru_cache(maxsize=4)
def xps_samples(intrinsic_plasmon: float = 0.0) -> tuple[SampleSpec, ...]:
    """The four samples of the XPS sample project.

    Parameters
    ----------
    intrinsic_plasmon : float
        Share of the Na 1s intensity of metallic Na that goes into an intrinsic first plasmon. By default all plasmon
        loss is extrinsic, so that the main line alone carries the amount. In a bulk metal up to a fifth is intrinsic
        (Mg: 22 % of the plasmon intensity; van Attekum & Trooster 1979, abstract read). It lies exactly under the
        extrinsic loss: no fit of one spectrum can tell the two apart, and an amount from the main line alone is then
        low by this share.

    Returns
    -------
    tuple of SampleSpec
        "VN on sodium", "Cycled hard carbon", "Na on hard carbon", "Na on HOPG".
    """
    return (
        _vn_on_sodium(),
        _cycled_hard_carbon(),
        _na_on_hard_carbon(intrinsic_plasmon),
        _na_on_hopg(intrinsic_plasmon),
    )


def xps_sample(name: str) -> SampleSpec:
    """A sample by name; raises UnknownName."""
    for item in xps_samples():
        if item.name == name:
            return item
    raise UnknownName(f"There is no sample '{name}'", todo=f"Use one of: {', '.join(NAMES)}")
