"""Igor waves: versions, types of numbers, byte orders, and headers that lie."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import AxisUnknown, ReadOptions, read, sniff
from fitting.identity import same
from libraries.errors import BadFile
from tests.app.files import made


def test_a_wave(write):
    path = write(made.ibw(), "a.txt")
    assert sniff(path).name == "igor"
    (s,) = read(path)
    np.testing.assert_array_equal(s.x, [369, 369.5, 370])
    np.testing.assert_array_equal(s.y, [3.5, 2.5, 1.5])
    assert (s.axis.quantity, s.meta.intensity_unit) == ("binding_energy", "arbitrary")
    assert dict(s.meta.extra)["intensity unit"] == "Counts [a.u.]"


def test_wave_and_text_of_one_region_are_the_same(write):
    (wave,) = read(write(made.ibw(), "a.ibw"))
    (text,) = read(write(made.ses(), "a.txt"))
    assert same((wave.axis, wave.counts, wave.noise), (text.axis, text.counts, text.noise))
    for name in ("region", "sample", "photon_energy", "pass_energy", "dwell_time", "sweeps", "date", "operator"):
        assert getattr(wave.meta, name) == getattr(text.meta, name)


@pytest.mark.parametrize("form", ["f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_every_type(write, form, order):
    (s,) = read(write(made.ibw((1, 2, 3), form=form, order=order)))
    np.testing.assert_array_equal(s.y, [3, 2, 1])


def test_two_dimensions_become_a_series(write):
    data = np.array([[1, 10], [2, 20], [3, 30]])
    units = ("Kinetic Energy [eV]", "Y-Scale [deg]")
    note = "[SES]\rEnergy Scale=Kinetic\r"
    (s,) = read(write(made.ibw(data, (100.0, -5.0), (0.5, 10.0), units, note)))
    assert s.axis.quantity == "kinetic_energy"
    np.testing.assert_array_equal(s.x, [100, 100.5, 101])
    np.testing.assert_array_equal(s.y, [[1, 2, 3], [10, 20, 30]])
    assert s.navigation[0].quantity == "angle"
    np.testing.assert_array_equal(s.navigation[0].values, [-5, 5])


def test_version_2(write):
    for order in "<>":
        (s,) = read(write(made.ibw_2(order=order)))
        assert (s.axis.quantity, s.name) == ("kinetic_energy", "wave0")
        np.testing.assert_array_equal(s.x, [369, 369.5, 370])
        np.testing.assert_array_equal(s.y, [3.5, 2.5, 1.5])


def test_a_wave_that_does_not_say_its_axis(write):
    path = write(made.ibw(units=("eV", ""), note=""))
    with pytest.raises(AxisUnknown):
        read(path)
    (s,) = read(path, ReadOptions(axis="kinetic_energy", photon_energy=1486.6))
    np.testing.assert_array_equal(s.x, [1116.6, 1117.1, 1117.6])


GOOD = made.ibw()
FLIPPED = bytearray(GOOD)
FLIPPED[70] ^= 1
# Changes that are written before the checksum is made: (place, format, value).
BAD = [
    (made.ibw(changes=[(76, "i", 10**9)]), "Its dimensions (3, 0, 0, 0) do not hold 1000000000 numbers"),
    (made.ibw(changes=[(76, "i", -3)]), "Its dimensions (3, 0, 0, 0) do not hold -3 numbers"),
    (made.ibw(changes=[(76, "i", 10**9), (132, "i", 10**9)]), "The wave announces 1000000000 numbers"),
    (made.ibw(changes=[(4, "i", 2**31 - 1)]), "The parts of the wave are larger than the file"),
    (made.ibw(changes=[(4, "i", 320)]), "The length of its numbers is not what its header says"),
    (made.ibw(changes=[(12, "i", -1)]), "The parts of the wave are larger than the file"),
    (made.ibw(changes=[(80, "h", 3)]), "The wave holds text or complex numbers"),
    (made.ibw(changes=[(80, "h", 77)]), "The wave holds numbers of an unknown type"),
    (made.ibw(changes=[(148, "d", float("nan"))]), "The scales of the wave hold numbers that are not finite"),
    (made.ibw(changes=[(148, "d", 0.0)]), "A step of its scales is 0"),
    (made.ibw(changes=[(180, "d", 1e300)]), "The scales of the wave hold numbers that are not finite"),
    (made.ibw((1.0, float("inf"))), "The wave holds numbers that are not finite"),
    (made.ibw(np.zeros((2, 2, 2))), "The wave has 3 dimensions"),
    (GOOD[:-8], "The parts of the wave are larger than the file"),
]


@pytest.mark.parametrize(("data", "what"), BAD)
def test_refused(write, data, what):
    path = write(data)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


def test_a_header_with_a_wrong_checksum_is_no_wave(write):
    with pytest.raises(BadFile, match="a binary file"):
        read(write(bytes(FLIPPED)))
