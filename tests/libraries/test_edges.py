"""Names, energies and look-up of core-loss edges."""

import pytest

from libraries import edges as lib
from libraries.errors import UnknownName

# name, threshold in eV, source: science-eels.md E2, E7, E8 (the tables named there agree with xraylib within 4 eV)
ENERGIES = [
    ("C K", 284.0, "Sigmak3 call, Egerton 2011"),
    ("O K", 532.0, "Sigmak3 call, Egerton 2011"),
    ("Na K", 1072.0, "Sigmak3 call, Egerton 2011"),
    ("Na L2,3", 31.1, "xraylib, science notes E8"),
    ("Na L1", 63.0, "science notes E8"),
    ("V L2,3", 513.0, "science notes E7"),
    ("V L1", 628.0, "science notes E7"),
    ("Fe L2,3", 710.0, "Sigmal3 call, Egerton 2011"),
    ("P L2,3", 132.0, "science notes E7"),
]


@pytest.mark.parametrize(("name", "energy", "source"), ENERGIES)
def test_energies(name, energy, source):
    assert lib.edge(name).energy == pytest.approx(energy, abs=4.0), source
    assert lib.edge(name).source


@pytest.mark.parametrize(("spelling", "name"), [
    ("CK", "C K"), (" V L3", "V L2,3"), ("VL23", "V L2,3"), ("V_L2,3", "V L2,3"), ("V-L2", "V L2,3"),
    ("La M45", "La M4,5"), ("Na L1", "Na L1"),
])
def test_spellings(spelling, name):
    assert lib.edge(spelling).name == name


@pytest.mark.parametrize("bad", ["V", "V L", "V L4", "V X1", "Qq K", "C L5,6", "H L2,3", "C K1", ""])
def test_unknown(bad):
    with pytest.raises(UnknownName):
        lib.edge(bad)


def test_levels_and_order():
    assert [line.name for line in lib.edge("V L2,3").lines] == ["V 2p3/2", "V 2p1/2"]
    sodium = lib.edges_of("Na")
    assert [e.shell for e in sodium][:3] == ["K", "L1", "L2,3"]
    assert [e.energy for e in sodium] == sorted((e.energy for e in sodium), reverse=True)
    with pytest.raises(UnknownName):
        lib.edges_of("Qq")


def test_edges_in_a_window():
    found = lib.edges_between(480.0, 640.0, ("V", "O", "Na"))
    assert [e.name for e in found] == ["V L2,3", "O K", "V L1"]
    assert lib.edges_between(600.0, 610.0, ("Na",)) == ()
