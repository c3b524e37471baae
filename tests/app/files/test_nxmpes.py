"""NeXus files of photoemission: axes, series, links inside the file, circumstances, and what is refused."""

from __future__ import annotations

import random

import h5py
import numpy as np
import pytest

from app.files import AxisUnknown, ReadOptions, read, sniff
from app.files.child import read_in_child
from app.files.nexus_writer import write_nexus
from fitting.dataset import Noise
from libraries.errors import BadFile, SodaliteError

ENERGIES = np.array([290.0, 289.5, 289.0, 288.5])
COUNTS = np.array([10.0, 20.0, 30.0, 40.0])


def _group(parent, name, kind):
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _field(group, name, value, units=""):
    group[name] = value
    if units:
        group[name].attrs["units"] = units


def nexus(path, definition="NXxps", kind="binding", counts=COUNTS, unit="counts", axes=("energy",), energies=ENERGIES):
    """A file as pynxtools writes it; returns its path."""
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        entry = _group(file, "Anode__C1s", "NXentry")
        entry["definition"] = definition
        entry["title"] = "C 1s of the anode"
        entry["start_time"] = "2024-01-02T03:04:05+01:00"
        entry.attrs["default"] = "data"
        tool = _group(entry, "instrument", "NXinstrument")
        _field(_group(tool, "beam_probe", "NXbeam"), "incident_energy", 1486.6, "eV")
        _field(_group(tool, "beam_pump", "NXbeam"), "incident_energy", 1.5, "eV")
        analyser = _group(tool, "electronanalyser", "NXelectronanalyser")
        analyser["name"] = "PHOIBOS"
        _field(analyser, "work_function", 4.1, "eV")
        _field(_group(analyser, "energydispersion", "NXenergydispersion"), "pass_energy", 20.0, "eV")
        _field(_group(analyser, "detector", "NXdetector"), "count_time", 0.5, "s")
        _group(entry, "sample", "NXsample")["name"] = "anode"
        _field(_group(entry, "process", "NXprocess"), "calibrated", energies, "eV")
        data = _group(entry, "data", "NXdata")
        data.attrs["signal"] = "data"
        data.attrs["axes"] = list(axes)
        _field(data, "data", counts, unit)
        _field(data, "energy", energies, "eV")
        if kind:
            data["energy"].attrs["type"] = kind
    return path


def test_an_entry(tmp_path):
    path = nexus(tmp_path / "a.dat")
    assert sniff(path).name == "nxmpes"
    (s,) = read(path)
    np.testing.assert_array_equal(s.x, [288.5, 289, 289.5, 290])
    np.testing.assert_array_equal(s.y, [40, 30, 20, 10])
    m = s.meta
    assert (s.axis.quantity, m.intensity_unit, s.noise) == ("binding_energy", "counts", Noise("poisson", 1.0))
    assert (m.photon_energy, m.pass_energy, m.work_function, m.dwell_time) == (1486.6, 20, 4.1, 0.5)
    assert (m.region, m.title, m.sample, m.instrument) == ("Anode__C1s", "C 1s of the anode", "anode", "PHOIBOS")
    assert m.date == "2024-01-02T03:04:05+01:00"
    assert dict(m.extra)["definition"] == "NXxps"


def test_kinetic_energies_and_rates(tmp_path):
    path = nexus(tmp_path / "a.nxs", "NXmpes", "kinetic", unit="counts_per_second", energies=1486.6 - ENERGIES)
    (s,) = read(path)
    np.testing.assert_allclose(s.x, [288.5, 289, 289.5, 290], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(s.y, [40, 30, 20, 10])
    assert (s.meta.intensity_unit, s.noise) == ("counts/s", Noise("poisson", None))


def test_energies_that_link_to_a_calibration(tmp_path):
    path = nexus(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        file["Anode__C1s/process/calibrated"].attrs["type"] = "binding"
        del file["Anode__C1s/data/energy"]
        file["Anode__C1s/data/energy"] = h5py.SoftLink("/Anode__C1s/process/calibrated")
    np.testing.assert_array_equal(read(path)[0].x, [288.5, 289, 289.5, 290])


# Name, unit and values of the other axis -> quantity, unit, values.
SERIES = [
    ("angular0", "deg", [5.0, -5.0], "angle", "deg", [-5, 5]),
    ("delay", "s", [0.0, 1.0], "time", "s", [0, 1]),
    ("cycle", "", [3.0, 4.0], "index", "", [3, 4]),
    ("odd", "", [4.0, 4.0], "index", "", [1, 2]),
]


@pytest.mark.parametrize(("name", "unit", "values", "quantity", "shown", "expected"), SERIES)
def test_other_axes_become_a_series(tmp_path, name, unit, values, quantity, shown, expected):
    counts = np.stack([COUNTS, 2 * COUNTS], axis=1)  # energy first
    path = nexus(tmp_path / "a.nxs", counts=counts, axes=("energy", name))
    with h5py.File(path, "a") as file:
        _field(file["Anode__C1s/data"], name, np.array(values), unit)
    (s,) = read(path)
    assert (s.navigation[0].quantity, s.navigation[0].unit) == (quantity, shown)
    np.testing.assert_array_equal(s.navigation[0].values, expected)
    rows = [COUNTS[::-1], 2 * COUNTS[::-1]]
    np.testing.assert_array_equal(s.y, rows[::-1] if values[0] > values[1] else rows)


def test_several_beams_that_disagree_give_no_photon_energy(tmp_path):
    path = nexus(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        tool = file["Anode__C1s/instrument"]
        _field(_group(tool, "beam_xray", "NXbeam"), "incident_energy", 1253.6, "eV")
    assert read(path)[0].meta.photon_energy is None


def test_the_axis_must_be_said(tmp_path):
    path = nexus(tmp_path / "a.nxs", kind="")
    with pytest.raises(AxisUnknown):
        read(path)
    assert read(path, ReadOptions(axis="binding_energy"))[0].axis.quantity == "binding_energy"


def _change(name, value):
    def change(file):
        del file[f"Anode__C1s/data/{name}"]
        _field(file["Anode__C1s/data"], name, value, "eV")
        file["Anode__C1s/data/energy"].attrs["type"] = "binding"

    return change


def _external(file):
    del file["Anode__C1s/data/data"]
    file["Anode__C1s/data/data"] = h5py.ExternalLink("other.h5", "/data")


def _circle(file):
    del file["Anode__C1s/data/data"]
    file["Anode__C1s/data/data"] = h5py.SoftLink("/Anode__C1s/data/data")


def _virtual(file):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    del file["Anode__C1s/data/data"]
    file["Anode__C1s/data"].create_virtual_dataset("data", layout)


def _huge(file):
    del file["Anode__C1s/data/data"]
    file["Anode__C1s/data"].create_dataset("data", (10**9,), "f8", chunks=(10**6,), compression="gzip")


def _unit(file):
    file["Anode__C1s/data/energy"].attrs["units"] = "keV"


def _no_energy(file):
    file["Anode__C1s/data"].attrs["axes"] = ["pixel"]


def _two_axes(file):
    file["Anode__C1s/data"].attrs["axes"] = ["energy", "energy"]


BAD = [
    (_change("data", COUNTS * np.nan), "It holds numbers that are not finite"),
    (_change("data", np.array([b"a"] * 4)), "It holds something that is no number"),
    (_change("data", COUNTS[:3]), "Its energies have no unit eV or do not fit the data"),
    (_change("energy", np.array([1.0, 2.0, 2.0, 3.0])), "The energies neither rise nor fall steadily (point 3)"),
    (_change("energy", np.array([1.0, 3.0, 2.0, 4.0])), "The energies neither rise nor fall steadily (point 3)"),
    (_external, "The file refers to another file"),
    (_circle, "Data are missing"),
    (_virtual, "Its data are virtual"),
    (_huge, "It declares 8e+09 bytes but holds 0"),
    (_unit, "Its energies have no unit eV or do not fit the data"),
    (_no_energy, "None of its axes holds energies"),
    (_two_axes, "2 axes do not fit 1 dimensions"),
]


@pytest.mark.parametrize(("change", "what"), BAD)
def test_refused(tmp_path, change, what):
    path = nexus(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


def test_other_hdf5_is_left_to_others(tmp_path):
    path = nexus(tmp_path / "a.nxs", definition="NXxas")
    with pytest.raises(BadFile, match="HDF5"):
        read(path)
    spectra = read(nexus(tmp_path / "b.nxs"))
    write_nexus(tmp_path / "own.nxs", spectra)
    assert sniff(tmp_path / "own.nxs").name == "nexus"


def _changed_in_the_child(path, cases, seed):
    """HDF5 is the one format whose library may hang or crash on damage: only the child may meet it."""
    rng = random.Random(seed)
    good = nexus(path).read_bytes()
    places = np.flatnonzero(np.frombuffer(good, np.uint8))
    read_files = 0
    for _ in range(cases):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            # Most of a small HDF5 file is empty; changes there are not seen.
            data[int(rng.choice(places))] = rng.randrange(256)
        path.write_bytes(data if rng.random() < 0.8 else data[: rng.randrange(1, len(data))])
        spectra, refused = [], None
        try:
            spectra = read_in_child(path)
        except SodaliteError as error:
            refused = error
        if refused is not None:
            assert refused.what
            assert str(path) in refused.where
            assert refused.todo
            continue
        read_files += 1
        for spectrum in spectra:
            assert np.all(np.diff(spectrum.x) > 0)
            assert spectrum.counts.shape[-1] == len(spectrum.axis)
    return read_files


def test_changed_files_in_the_child(tmp_path, reader_child):
    _changed_in_the_child(tmp_path / "a.nxs", 60, 1)


@pytest.mark.full
def test_changed_files_in_the_child_long(tmp_path, reader_child, measured):
    count = _changed_in_the_child(tmp_path / "a.nxs", 2000, 2)
    measured("nxmpes: mutated files read or refused", f"{count} of 2000 read, {2000 - count} refused")
