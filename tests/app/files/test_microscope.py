"""Energy-loss spectra of microscopes: files made here by RosettaSciIO's own writers, and real ones."""

from pathlib import Path

import numpy as np
import pytest

from app.files import microscope, read
from app.files.child import read_in_child
from app.files.format import ReadOptions
from libraries.errors import BadFile

MSA = """#FORMAT      : EMSA/MAS Spectral Data File
#VERSION     : 1.0
#TITLE       : edge
#NPOINTS     : 6
#NCOLUMNS    : 1
#XUNITS      : {unit}
#YUNITS      : Counts
#DATATYPE    : Y
#XPERCHAN    : {step}
#OFFSET      : 280.0
#SIGNALTYPE  : {kind}
#BEAMKV   -kV: 200.0
#CONVANGLE-mR: 7.5
#COLLANGLE-mR: 15.0
#DWELLTIME-ms: 250.0
#SPECTRUM    : Spectral Data Starts Here
10
12
30
28
25
24
#ENDOFDATA   :
"""


@pytest.fixture
def write(tmp_path):
    def make(text, name="a.msa"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


def test_emsa_mas_with_its_conditions(write):
    (spectrum,) = read(write(MSA.format(unit="eV", step="0.5", kind="ELS")))
    assert spectrum.axis.quantity == "energy_loss"
    assert spectrum.x == pytest.approx(280.0 + 0.5 * np.arange(6))
    assert spectrum.y.tolist() == [10, 12, 30, 28, 25, 24]
    meta = spectrum.meta
    assert (meta.technique, meta.title, meta.file_format) == ("eels", "edge", "EMSA/MAS")
    assert (meta.beam_energy, meta.convergence_angle, meta.collection_angle) == (200.0, 7.5, 15.0)
    assert meta.dwell_time == pytest.approx(0.25)


def test_kilovolts_become_volts(write):
    (spectrum,) = read(write(MSA.format(unit="keV", step="0.001", kind="ELS")))
    assert spectrum.axis.step == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("unit", "step", "kind", "match"),
    [
        ("eV", "10", "EDS", "its signal is EDS"),
        ("nm", "0.5", "ELS", "its axis is in nm"),
        ("eV", "10", "", "as wide as those of X-ray"),
    ],
)
def test_what_is_no_energy_loss_spectrum_is_refused(write, unit, step, kind, match):
    with pytest.raises(BadFile, match=match):
        read(write(MSA.format(unit=unit, step=step, kind=kind)))


def test_a_spectrum_image_of_hyperspy(tmp_path):
    from rsciio.hspy import file_writer

    data = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
    axes = [
        {"name": "y", "size": 2, "offset": 0.0, "scale": 2.0, "units": "nm", "navigate": True, "index_in_array": 0},
        {"name": "x", "size": 3, "offset": 0.0, "scale": 2.0, "units": "nm", "navigate": True, "index_in_array": 1},
        {"name": "E", "size": 5, "offset": 30.0, "scale": 0.1, "units": "eV", "navigate": False, "index_in_array": 2},
    ]
    conditions = {"TEM": {"beam_energy": 80.0, "Detector": {"EELS": {"collection_angle": 20.0}}}}
    signal = {
        "data": data, "axes": axes, "original_metadata": {}, "package": "test", "package_version": "1",
        "metadata": {"General": {"title": "map"}, "Signal": {"signal_type": "EELS"},
                     "Acquisition_instrument": conditions},
        "attributes": {"_lazy": False}, "learning_results": {}, "models": None, "tmp_parameters": {},
        "package_info": {},
    }  # fmt: skip
    path = tmp_path / "map.hspy"
    file_writer(str(path), signal)
    (spectrum,) = read(path)
    assert spectrum.counts.shape == (2, 3, 5)
    assert (spectrum.y == data).all()
    assert [(axis.quantity, axis.unit) for axis in spectrum.navigation] == [("distance", "nm")] * 2
    assert spectrum.navigation[1].values.tolist() == [0.0, 2.0, 4.0]
    assert (spectrum.meta.beam_energy, spectrum.meta.collection_angle) == (80.0, 20.0)
    assert spectrum.meta.convergence_angle is None


def test_damage_is_one_clear_error(write):
    text = MSA.format(unit="eV", step="0.5", kind="ELS")
    with pytest.raises(BadFile):
        read(write(text.replace("28\n", "2x8\n")))
    with pytest.raises(BadFile):
        read(write(text.split("#SPECTRUM")[0]))


def test_a_file_of_another_kind_is_not_its_own(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x00\x00\x00\x03" + b"\xff" * 100)
    assert microscope.sniff(path.read_bytes(), path) == 0.0


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "shape", "first", "step", "beam", "angles"),
    [  # energies, voltage and angles as the files' own tags say
        ("Al_low_loss.dm3", (2048,), -3.609, 0.020126, 199.99, (0.0, 100.0)),
        ("BN_core_loss_200.dm3", (200, 1024), 113.5, 0.5, None, (None, None)),
        ("BN_low_loss.msa", (1024,), -61.5, 0.5, None, (None, None)),
        ("Cr_core_loss.hspy", (400,), 560.0, 0.1, 200.0, (21.0, 50.0)),
        ("Mn_O_core_loss.msa", (2048,), 360.0, 0.2, None, (None, None)),
    ],
)
def test_real_files(realdata, name, shape, first, step, beam, angles):
    (spectrum,) = microscope.read(realdata / "eels" / name, ReadOptions())
    assert spectrum.counts.shape == shape
    assert spectrum.x[0] == pytest.approx(first, abs=1e-3)
    assert spectrum.axis.step == pytest.approx(step, rel=1e-4)
    assert spectrum.meta.beam_energy == (None if beam is None else pytest.approx(beam, abs=0.01))
    assert (spectrum.meta.convergence_angle, spectrum.meta.collection_angle) == angles


@pytest.mark.realdata
def test_the_child_reads_them(realdata, reader_child):
    (spectrum,) = read_in_child(realdata / "eels" / "Cr_core_loss.hspy")
    assert spectrum.counts.shape == (400,)


def test_pixels_turn_round_with_a_falling_axis():
    axes = [{"navigate": True, "units": "nm", "scale": -1.0, "offset": 0.0},
            {"navigate": False, "units": "eV", "scale": 1.0, "offset": 100.0}]
    signal = {"data": np.arange(12).reshape(3, 4), "axes": axes, "metadata": {}, "original_metadata": {}}
    spectrum = microscope._spectrum(signal, "hspy", Path("a.hspy"), 0)
    assert spectrum.navigation[0].values.tolist() == [-2.0, -1.0, 0.0]
    assert spectrum.counts[:, 0].tolist() == [8, 4, 0]
