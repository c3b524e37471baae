"""Edges on an axis: strong ones, overlaps, search, and edges that data show."""

import numpy as np
import pytest

from fitting.eels.core_windows import before_and_after, exponential
from fitting.eels.edge_marks import edge_named, is_delayed, jumps, marks, near, overlaps, strong_edges
from libraries.edges import edge
from libraries.errors import NotDetermined, UnknownName
from tests.fitting.eels.core_made import CORE, background, core_spectrum, edge_counts, low_loss

LOW = low_loss()


@pytest.mark.parametrize(("name", "energy", "source"), [
    ("Na K", 1072.0, "science-eels.md E7"), ("Na L2,3", 31.0, "E8"), ("C K", 284.0, "issue 5"),
    ("V L2,3", 513.0, "E7"), ("O K", 532.0, "E7"), ("P L2,3", 132.0, "E7"), ("V M2,3", 38.0, "E7"),
    ("P K", 2146.0, "E7"),
])
def test_energies(name, energy, source):
    assert edge(name).energy == pytest.approx(energy, abs=4.0), source


def test_marks_of_a_vanadium_phosphate():
    found = [mark.edge.name for mark in marks(("Na", "V", "P", "O"), 0.0, 1200.0)]
    assert found == ["Na L2,3", "V M2,3", "P L2,3", "V L2,3", "O K", "Na K"]
    every = [mark.edge.name for mark in marks(("V",), 0.0, 1200.0, weak=True)]
    assert {"V L1", "V M1"} <= set(every)
    assert is_delayed(edge("P L2,3"))
    assert not is_delayed(edge("C K"))
    assert strong_edges("Ti", 300.0, 700.0)[0].name == "Ti L2,3"


def test_overlaps_are_named():
    words = " ".join(overlaps(["V L2,3", "O K", "Na L2,3", "V M2,3", "C K"]))
    assert "V L2,3 and O K" in words
    assert "Na L2,3 and V M2,3" in words
    assert "C K" not in words


def test_near_an_energy():
    assert near(285.0)[0].edge.name == "C K"
    assert "V L2,3" in [mark.edge.name for mark in near(515.0)]


@pytest.mark.parametrize(("text", "found"), [("n k", ("N K",)), ("V_L3", ("V L2,3",)), ("o", ("O K",)), ("", ())])
def test_search(text, found):
    assert edge_named(text) == found


def test_search_refuses():
    with pytest.raises(UnknownName):
        edge_named("Qq")


def test_edges_that_data_show(measured):
    generator = np.random.default_rng(5)
    right = 0
    for _ in range(10):
        counts = generator.poisson((background(3e4) + edge_counts("B K", 20.0, LOW) + edge_counts("N K", 20.0, LOW)
                                    ) / 10)
        found = [jump.candidates[0].edge.name for jump in jumps(core_spectrum(counts)) if jump.candidates]
        right += found == ["B K", "N K"]
    empty = sum(len(jumps(core_spectrum(generator.poisson(background(3e3))))) for _ in range(10))
    measured("edges found by the data alone", right, "of 10 spectra", ">= 9")
    measured("edges found where there are none", empty, "in 10 spectra", "<= 0")
    assert right >= 9
    assert empty == 0


def test_exponential_is_exact_and_its_error_is_the_scatter():
    x = np.arange(100.0, 200.0, 0.5)
    truth = 5e3 * np.exp(-(x - 150.0) / 40.0)
    law = exponential(x, truth, (110.0, 150.0))
    assert law.tau == pytest.approx(40.0, rel=1e-6)
    assert law(x) == pytest.approx(truth, rel=1e-4)
    generator = np.random.default_rng(3)
    ahead = x[(x > 155) & (x < 180)]
    sums = [float(np.sum(exponential(x, generator.poisson(truth).astype(float), (110.0, 150.0))(ahead)))
            for _ in range(400)]
    assert np.std(sums) == pytest.approx(np.sqrt(law.variance_of_sum(ahead)), rel=0.12)
    with pytest.raises(NotDetermined, match="do not fall"):
        exponential(x, truth[::-1], (110.0, 150.0))


def test_before_and_after():
    """A wide window above the edge lowers the error of the background under it, which is as stated."""
    from fitting.eels.core_background import maximum_likelihood

    unit = edge_counts("B K", 1.0, LOW)
    expected = background(3e4) + 30 * unit
    generator = np.random.default_rng(4)
    ahead = CORE[(CORE > 188) & (CORE < 238)]
    truth = float(np.sum(3e4 * (ahead / 200.0) ** -3))
    both, alone, stated = [], [], 0.0
    for _ in range(150):
        counts = generator.poisson(expected).astype(float)
        law = before_and_after(CORE, counts, (160.0, 184.0), (238.0, 338.0), unit)
        stated = np.sqrt(law.variance_of_sum(ahead))
        both.append(float(np.sum(law(ahead))) / truth - 1)
        alone.append(float(np.sum(maximum_likelihood(CORE, counts, (160.0, 184.0))(ahead))) / truth - 1)
    assert np.std(both) < np.std(alone)
    assert abs(np.mean(both)) < 4 * np.std(both) / np.sqrt(150)
    assert np.std(both) == pytest.approx(stated / truth, rel=0.2)
