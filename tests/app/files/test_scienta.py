"""Text of Scienta analysers: axes, slices, circumstances, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import ReadOptions, read, sniff
from fitting.dataset import Noise
from libraries.errors import BadFile
from tests.app.files import made

KINETIC = {"title": "Kinetic Energy [eV]", "scale": "Kinetic"}


def test_a_region(write):
    path = write(made.ses(), "a.csv")
    assert sniff(path).name == "scienta"
    (s,) = read(path)
    np.testing.assert_array_equal(s.x, [369, 369.5, 370])
    np.testing.assert_array_equal(s.y, [3.5, 2.5, 1.5])
    m = s.meta
    assert (s.axis.quantity, m.intensity_unit) == ("binding_energy", "arbitrary")
    assert s.noise == Noise("poisson", None, origin="estimated")
    # 8 s a channel in 4 sweeps.
    assert (m.photon_energy, m.pass_energy, m.dwell_time, m.sweeps) == (1486.6, 50, 2, 4)
    assert (m.region, m.sample, m.instrument, m.operator, m.date) == (
        "Ag3d",
        "Silver",
        "R3000",
        "AN",
        "2023-03-08T15:24:35",
    )
    assert dict(m.extra)["lens mode"] == "Transmission"


def test_kinetic_energies(write):
    (s,) = read(write(made.ses((1200.0, 1201.0, 1202.0), **KINETIC)))
    np.testing.assert_array_equal(s.x, [284.6, 285.6, 286.6])
    np.testing.assert_array_equal(s.y, [3.5, 2.5, 1.5])
    text = made.ses((100.0, 101.0, 102.0), **KINETIC).replace("Excitation Energy=1486.6", "Excitation Energy=0")
    (s,) = read(write(text))
    assert s.axis.quantity == "kinetic_energy"
    (s,) = read(write(text), ReadOptions(photon_energy=150.0))
    np.testing.assert_array_equal(s.x, [48, 49, 50])


# Name of the second dimension, values -> quantity, unit, values.
SLICES = [
    ("Y-Scale [deg]", (-1.0, 1.0), "angle", "deg", [-1, 1]),
    ("Y-Scale [deg]", (1.0, -1.0), "angle", "deg", [-1, 1]),
    ("Position [mm]", (0.5, 0.7), "distance", "mm", [0.5, 0.7]),
    ("Point", (1.0, 2.0), "index", "", [1, 2]),
]


@pytest.mark.parametrize(("name", "values", "quantity", "unit", "expected"), SLICES)
def test_slices_become_a_series(write, name, values, quantity, unit, expected):
    (s,) = read(write(made.ses(rows=((1, 10), (2, 20), (3, 30)), second=(name, values))))
    np.testing.assert_array_equal(s.navigation[0].values, expected)
    assert (s.navigation[0].quantity, s.navigation[0].unit) == (quantity, unit)
    rows = [[3, 2, 1], [30, 20, 10]]
    np.testing.assert_array_equal(s.y, rows if values[0] < values[1] else rows[::-1])


def test_pulses_are_counts(write):
    (s,) = read(write(made.ses(rows=((1,), (2,), (3,)), mode="Pulse Counting")))
    assert (s.meta.intensity_unit, s.noise) == ("counts", Noise("poisson", 1.0))


def test_several_regions(write):
    spectra = read(write(made.ses(regions=3)))
    assert [s.meta.index for s in spectra] == [0, 1, 2]


BAD = [
    (made.ses(size=4), "4 energies are announced but 3 rows are there"),
    (made.ses(size=10**9), "The number of energies is '1000000000'"),
    (made.ses(size=-1), "The number of energies is '-1'"),
    (made.ses().replace("Number of Regions=1", "Number of Regions=2"), "Its section [Region] or [Data] is missing"),
    (made.ses().replace("Number of Regions=1", "Number of Regions=99999999"), "The number of regions is '99999999'"),
    (made.ses(rows=((1.5,), (2.5, 9), (3.5,))), "Row 2 holds 3 numbers, not 2"),
    (made.ses(rows=((1.5,), (float("nan"),), (3.5,))), "'NAN' is not a number"),
    (made.ses((370.0, 369.5, 369.5)), "The energies neither rise nor fall steadily (point 3)"),
    (made.ses((370.0, 369.0, 369.5)), "The energies neither rise nor fall steadily (point 3)"),
    (made.ses(scale="Kinetic"), "The energy axis is called 'Binding Energy [eV]' but the scale 'kinetic'"),
    (made.ses(title="Energy [eV]", scale=""), "The file does not say whether its energies ('Energy"),
    (made.ses().replace("scale=370 ", "scale=371 "), "The energies of the rows are not those of the header"),
    (made.ses().replace("scale=370 ", "scale="), "Dimension 1 announces 3 values but lists 2"),
    (made.ses().replace("Dimension 1 scale", "Dimension 3 size=2\r\nDimension 1 scale"), "The region has a third"),
    (made.ses(rows=((1, 2), (1, 2), (1, 2)), second=("Y [deg]", (1.0, 1.0))), "The values of the second dimension"),
]


@pytest.mark.parametrize(("text", "what"), BAD)
def test_refused(write, text, what):
    path = write(text)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo
