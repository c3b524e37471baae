"""Cited lines of compounds: every row is complete, and the look-ups find what the sources say."""

import pytest

from libraries import compounds as lib
from libraries.elements import parse_formula, parse_line
from libraries.errors import UnknownName
from libraries.tables import read_table

PHOTON = 1486.6


def test_every_row_is_complete():
    rows = read_table("xps_compounds.csv")
    assert len(rows) > 150
    for row, line in zip(rows, lib.reference_lines(), strict=True):
        where = f"{line.label} {line.line.name}"
        assert line.energies, where
        assert line.low <= min(line.energies) <= line.central <= max(line.energies) <= line.high, where
        assert line.source, where
        assert line.where_read, where
        assert line.confidence in ("A", "B", "C"), where
        assert line.species_class, where
        assert all(part in lib.REFERENCES for part in line.reference.split("/")), where
        assert line.line.kind == "core", where
        assert line.fwhm is None or 0.3 < line.fwhm < 4, where
        if line.formula:
            parse_formula(line.formula)
            assert line.atoms is not None, where
            assert line.atoms > 0 or line.group == "pi-pi*", where
        assert row["confidence"] != "D"


def test_rows_are_not_repeated():
    keys = [(i.compound, i.group, i.line, i.reference, i.source) for i in lib.reference_lines()]
    assert len(keys) == len(set(keys))


def test_sites_add_up_to_at_most_the_formula():
    for compound in lib.compounds():
        for line in lib.lines_of(compound):
            if compound.formula and line.atoms:
                assert line.atoms <= dict(parse_formula(compound.formula))[line.line.element]


@pytest.mark.parametrize(("table", "call"), [
    ("xps_differences.csv", lib.differences), ("auger_parameters.csv", lib.auger_parameters),
])
def test_every_distance_is_complete(table, call):
    items = call()
    assert len(items) == len(read_table(table))
    for item in items:
        assert item.low <= min(item.values) <= item.central <= max(item.values) <= item.high
        assert item.source
        assert item.where_read
        assert item.confidence in ("A", "B", "C")


# compound, upper, lower, low, high in eV, source
DIFFERENCES = [
    ("NaF", "Na 1s", "F 1s", 386.7, 387.1, "Wagner; Nefedov 1977; Morgan 1973"),
    ("Na2CO3", "O 1s", "C 1s", 242.1, 242.1, "Hammond 1981"),
    ("V2O5", "O 1s", "V 2p3/2", 12.8, 13.2, "14 papers"),
    ("V2O3", "O 1s", "V 2p3/2", 14.8, 14.8, "Colton 1978"),
    ("PF6-", "F 1s", "P 2p3/2", 550.0, 550.3, "Van Attekum 1980"),
    ("NaCl", "Na 1s", "Cl 2p", 873.0, 873.2, "four papers"),
    ("Na3PO4", "O 1s", "P 2p3/2", 398.0, 398.3, "Morgan; Gresch 1979; Lo 1995"),
]


@pytest.mark.parametrize(("name", "upper", "lower", "low", "high", "source"), DIFFERENCES)
def test_differences(name, upper, lower, low, high, source):
    found = [d for d in lib.differences(name) if (d.upper.name, d.lower.name) == (upper, lower)]
    assert [(d.low, d.high) for d in found] == [(low, high)], source


def test_differences_fit_the_absolute_energies():
    # Within one substance the distance must be reachable with the cited absolute energies (all references together).
    for item in lib.differences():
        upper = [i for i in lib.lines_of(item.compound) if i.line == item.upper and i.group == item.upper_group]
        lower = [i for i in lib.lines_of(item.compound) if i.line.shell == item.lower.shell
                 and i.line.element == item.lower.element and i.group == item.lower_group]
        if upper and lower:
            low = min(i.low for i in upper) - max(i.high for i in lower)
            high = max(i.high for i in upper) - min(i.low for i in lower)
            assert low - 0.25 <= item.central <= high + 0.25, item


# compound, line, reference, low, high, source
ABSOLUTE = [
    ("NaF", "F 1s", "adC", 683.7, 684.5, "Morgan, Murch 1980, Wagner, Nefedov"),
    ("NaF", "Na 1s", "Au", 1072.7, 1072.7, "Seyama 1985"),
    ("NaPF6", "P 2p", "adC", 137.7, 137.7, "Klimov 1991"),
    ("Na2CO3", "C 1s", "adC", 289.4, 289.5, "Hammond, Gelius"),
    ("VOPO4", "V 2p1/2", "adC", 525.4, 525.4, "Moser 1987"),
    ("VN", "N 1s", "Au", 397.2, 397.2, "Romand 1976"),
    ("Na metal", "Na 1s", "EF", 1070.8, 1071.8, "Kowalczyk, Citrin, Barrie & Street, Steiner"),
]


@pytest.mark.parametrize(("name", "line", "reference", "low", "high", "source"), ABSOLUTE)
def test_absolute_energies(name, line, reference, low, high, source):
    found = [i for i in lib.lines_of(name) if i.line.name == line and i.reference == reference]
    assert (min(i.low for i in found), max(i.high for i in found)) == (low, high), source


def test_the_order_of_phosphorus_species():
    # P 2p against adventitious carbon rises from phosphate to hexafluorophosphate.
    order = ["Na3PO4", "Na4P2O7", "Na2PO3F", "(NaPO3)3", "KPO2F2", "NH4PF6"]
    energies = [next(i.central for i in lib.lines_of(n) if i.line.element == "P") for n in order]
    assert energies == sorted(energies)


def test_what_has_no_source_is_not_shipped():
    names = {c.name for c in lib.compounds()}
    assert not names & {"Na3V2(PO4)3", "Na2O2", "NaO2", "NaH", "NaFSI"}
    assert not [i for i in lib.lines_of("NaPF6") if i.line.name == "Na 1s"]
    assert not lib.lines_of("V2O3")  # absolute values scatter over 4 eV: only the difference is kept
    assert lib.differences("V2O3")


def test_suggest_by_energy():
    found = lib.suggest("C 1s", 289.45)
    assert found[0].compound in ("Na2CO3", "sodium alkyl carbonate (class)")
    distances = [max(i.low - 289.45, 289.45 - i.high, 0.0) for i in found]
    assert distances == sorted(distances)
    assert len(found) == len(lib.suggest("C 1s"))


def test_suggest_by_range():
    found = lib.suggest(parse_line("S 2p3/2"), (163.0, 161.0))
    assert found
    assert all(i.high >= 161.0 and i.low <= 163.0 for i in found)
    assert "Na2S" in {i.compound for i in found}
    assert lib.suggest("Fe 2p3/2") == ()


def test_suggest_finds_the_unresolved_doublet_too():
    assert any(i.line.name == "P 2p" for i in lib.suggest("P 2p3/2"))
    assert any(i.line.name == "P 2p3/2" for i in lib.suggest("P 2p"))
    assert all(i.line.name != "V 2p1/2" for i in lib.suggest("V 2p"))
    assert {i.line.name for i in lib.suggest("V 2p1/2")} == {"V 2p1/2"}


def test_compound_by_name_formula_or_object():
    assert lib.compound("naf").name == "NaF"
    assert lib.compound("CH3COONa").name == "sodium acetate"
    assert lib.compound(lib.compound("NaF")).formula == "NaF"
    assert dict(lib.compound("Na2CO3").elements) == {"Na": 2, "C": 1, "O": 3}
    assert lib.compound("oxidised carbon").elements == ()
    assert next(i for i in lib.lines_of("PVDF") if i.group == "CF2").label == "PVDF (CF2)"


def test_unknown_compound():
    with pytest.raises(UnknownName, match="NaPF6"):
        lib.compound("NaPF")
    with pytest.raises(UnknownName, match="list of compounds"):
        lib.lines_of("unobtainium")


def test_metal_and_ion_are_five_ev_apart():
    metal = lib.auger_parameters("Na metal")[0]
    ion = lib.auger_parameters("Na+ layer from TFSI ionic liquid")[0]
    assert metal.low - ion.high > 4.0
    assert (metal.low, metal.high) == (2065.7, 2066.1)  # Kowalczyk 1973; Barrie & Street 1975


def test_conflicts_name_known_compounds():
    names = {c.name for c in lib.compounds()}
    assert len(lib.conflicts()) == 9
    for conflict in lib.conflicts():
        assert conflict.statement
        assert conflict.advice
        assert set(conflict.compounds) <= names


def test_charge_references():
    values = {r.name: r.binding_energy for r in lib.charge_references()}
    assert values["adventitious carbon"] == 284.8
    assert values["carbon substrate (HOPG)"] == 284.6
    assert values["hard carbon sp2"] == 284.5
    assert values["gold"] == 83.96
    assert values["Fermi edge"] == 0.0
    assert all(r.source for r in lib.charge_references())
    assert [r.line for r in lib.charge_references() if r.name == "Fermi edge"] == [None]
