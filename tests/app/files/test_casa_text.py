"""Text exports of CasaXPS: the spectrum, its curves, calibration, and halves that contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from fitting.dataset import Noise
from libraries.errors import BadFile
from tests.app.files import made


def test_a_block_and_its_curves(write):
    path = write(made.casa(), "a.dat")
    assert sniff(path).name == "casa_text"
    spectra = read(path)
    assert [s.name for s in spectra] == ["Na1s", "Na1s: Na metal 1071.8 eV", "Na1s: Background", "Na1s: Envelope"]
    s = spectra[0]
    np.testing.assert_array_equal(s.x, [1199, 1200])
    np.testing.assert_array_equal(s.y, [220, 200])
    m = s.meta
    assert (s.axis.quantity, m.intensity_unit, s.noise) == ("binding_energy", "counts", Noise("poisson", 1.0))
    assert (m.photon_energy, m.dwell_time, m.sweeps, m.sample) == (1486.6, 2, 1, "Anode")
    assert (m.element, m.transition) == ("Na", "1s")
    np.testing.assert_array_equal(spectra[1].y, [231, 210])
    told = dict(spectra[1].meta.extra)
    assert told["curve"] == "component Na metal on its background of CasaXPS"
    assert (told["position"], told["fwhm"], told["area"], told["lineshape"]) == ("1071.8", "1.2", "1234.5", "SGL(30)")
    assert dict(spectra[2].meta.extra)["curve"] == "background of CasaXPS"
    assert spectra[3].noise == Noise("unknown")
    assert "position" not in dict(spectra[3].meta.extra)


def test_calibrated_energies_are_read_as_written_and_it_is_said(write):
    s = read(write(made.casa(shift=-1.5)))[0]
    np.testing.assert_array_equal(s.x, [1197.5, 1198.5])
    assert dict(s.meta.extra)["CasaXPS calibration"] == "-1.5 eV, contained in this axis"


def test_several_blocks_and_windows_line_ends(write):
    text = made.casa() + made.casa(name="Cycle 1:Anode:O 1s")
    spectra = read(write(text.replace("\n", "\r\n")))
    assert [s.meta.region for s in spectra[::4]] == ["Na1s", "O 1s"]
    assert [s.meta.index for s in spectra] == list(range(8))


GOOD = made.casa()
BAD = [
    (GOOD.replace("\t1.000000e+02\t", "\t9.000000e+02\t", 1), "Counts and counts per second contradict each other"),
    (GOOD.replace("2.866000e+02", "2.966000e+02"), "Kinetic and binding energies contradict each other"),
    (GOOD[:-20], "Row 2 does not hold a number for each column"),
    (GOOD.replace("2.200000e+02", "nan"), "'nan' is not a number"),
    (GOOD.replace("2.200000e+02", ""), "'' is not a number"),
    (GOOD.replace("K.E.\tCounts", "K.E.\tIons").replace("B.E.\tCPS", "B.E.\tIons"), "There are no columns K.E."),
    (GOOD[: GOOD.index("2.866")], "The block holds no rows"),
    (GOOD.replace("K.E.", "m/z"), "'m/z"),
    (GOOD.replace("2.876000e+02", "2.866000e+02").replace("1.199000e+03", "1.200000e+03"), "The energies neither"),
]


@pytest.mark.parametrize(("text", "what"), BAD)
def test_refused(write, text, what):
    path = write(text)
    assert text != GOOD
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


def test_only_binding_energies(write):
    rows = "".join(f"{285 - i}\t{100.5 + i}\n" for i in range(3))
    (s,) = read(write(f"Cycle 0:A:C 1s\n\tCharacteristic Energy eV\t1486.6\tAcquisition Time s\t2\nB.E.\tCPS\n{rows}"))
    assert (s.meta.intensity_unit, s.noise) == ("counts/s", Noise("poisson", 0.5))
    np.testing.assert_array_equal(s.x, [283, 284, 285])
