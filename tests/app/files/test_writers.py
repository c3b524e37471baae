"""Writers and what comes back: CSV, tables, VAMAS, HDF5/NeXus; and files that are never half written."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.files import read
from app.files.atomic import atomic_path, cannot_write
from app.files.csv_table import cell, write_table
from app.files.csv_writer import write_csv
from app.files.nexus_writer import write_nexus
from app.files.vamas_writer import write_vamas
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import same
from libraries.errors import BadData, BadFile, CannotWrite

META = Meta(
    title="C 1s",
    technique="xps",
    sample="anode, cycled",
    region="C 1s",
    element="C",
    transition="1s",
    photon_energy=1486.6,
    source="Al (mono)",
    work_function=4.5,
    pass_energy=20.0,
    dwell_time=0.1,
    sweeps=5.0,
    emission_angle=30.0,
    source_analyser_angle=54.7,
    analyser_mode="FAT",
    signal_mode="pulse counting",
    charge_state="neutraliser on",
    instrument="Instrument",
    institution="Institute",
    operator="Operator",
    experiment="Experiment",
    date="2024-05-06T07:08:09+02:00",
    comments=("Charge Neutraliser : On", "CASA region (*C 1s*)  two blanks kept ", "µ"),
    extra=(("variable:Etch Time", "120 s"), ("parameter:MFP Exponent", "0.75 d"), ("analysis source strength", "225")),
)


def _spectrum(n=5, start=280.0, step=0.1, **changes):
    x = np.round(start + step * np.arange(n), 6)
    counts = np.arange(10.0, 10.0 + n)
    return Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), META, np.linspace(2, 3, n)).with_(
        **changes
    )


# ---------------------------------------------------------------------------------------------------------------- CSV


def test_csv_is_plain_utf8_with_one_header_row(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, _spectrum(2), {"background": [1.5, 2.0], "Na 1s, NaF": [0.1, 1e-300]})
    assert path.read_bytes().decode() == (
        "Binding energy [eV],Intensity [counts],Transmission [relative],background [counts],"
        '"Na 1s, NaF [counts]"\n280,10,2,1.5,0.1\n280.1,11,3,2,1e-300\n'
    )


def test_csv_of_a_series_has_a_column_for_each_member(tmp_path):
    series = Spectrum(Axis([1.0, 2.0], "binding_energy"), [[1, 2], [3, 4]], navigation=(Axis([0, 1], "time", "s"),))
    write_csv(tmp_path / "a.csv", series)
    assert [list(s.y) for s in read(tmp_path / "a.csv")] == [[1, 2], [3, 4]]


def test_csv_refuses_curves_that_do_not_fit(tmp_path):
    with pytest.raises(BadData, match="The curve 'background' of shape"):
        write_csv(tmp_path / "a.csv", _spectrum(3), {"background": [1.0]})
    with pytest.raises(BadData, match=r"Two columns are called 'Intensity \[counts\]'"):
        write_csv(tmp_path / "a.csv", _spectrum(2), {"Intensity": [1.0, 2.0]})


def test_tables_hold_numbers_text_and_nothing(tmp_path):
    write_table(
        tmp_path / "t.csv", ["a", "b [eV]"], [(1, None), ('x,"y"', 0.1), (True, np.float64(2)), ("=1+1", np.nan)]
    )
    assert (tmp_path / "t.csv").read_text() == 'a,b [eV]\n1,\n"x,""y""",0.1\ntrue,2\n\'=1+1,\n'
    with pytest.raises(BadData, match="1 cells for 2 columns"):
        write_table(tmp_path / "t.csv", ["a", "b"], [(1,)])


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(finite)
def test_a_number_in_a_cell_is_read_back_exactly(value):
    assert float(cell(value)) == value


counts = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
energies = st.floats(min_value=-50, max_value=3000, allow_nan=False)


@st.composite
def spectra(draw, min_points=2):
    """A spectrum on an arbitrary axis, or on a regular one as instruments write it."""
    n = draw(st.integers(min_points, 12))
    if draw(st.booleans()):
        start, step = draw(st.integers(-5000, 1_400_000)) / 1000, draw(st.integers(1, 2000)) / 1000
        x = np.round(start + step * np.arange(n), 6)
    else:
        x = np.sort(np.array(draw(st.lists(energies, min_size=n, max_size=n, unique=True))))
    y = draw(hnp.arrays(np.float64, n, elements=counts))
    transmission = draw(st.none() | hnp.arrays(np.float64, n, elements=st.floats(1e-6, 1e6)))
    unit = draw(st.sampled_from(["counts", "counts/s", "arbitrary"]))
    photon = draw(st.sampled_from([1486.6, 1486.69, 1253.6, 2984.3, None]))
    meta = replace(META, intensity_unit=unit, photon_energy=photon)
    return Spectrum(Axis(x, "binding_energy"), y, Noise("poisson"), meta, transmission)


fixed_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@fixed_folder
@given(spectra())
def test_csv_comes_back_exactly(tmp_path, spectrum):
    write_csv(tmp_path / "a.csv", spectrum)
    (back,) = read(tmp_path / "a.csv")
    assert same(back.axis, spectrum.axis)
    assert same(back.counts, spectrum.counts)
    assert same(back.transmission, spectrum.transmission)
    assert back.meta.intensity_unit == spectrum.meta.intensity_unit


# -------------------------------------------------------------------------------------------------------------- VAMAS


def _differences(a, b, apart=("file", "file_format", "title", "extra", "index")):
    return [f.name for f in fields(Meta) if f.name not in apart and getattr(a, f.name) != getattr(b, f.name)]


def test_vamas_comes_back_with_its_circumstances(tmp_path):
    spectrum = _spectrum()
    write_vamas(tmp_path / "a.vms", [spectrum])
    (back,) = read(tmp_path / "a.vms")
    assert _differences(spectrum.meta, back.meta) == []
    assert same(back.axis, spectrum.axis)
    assert same(back.counts, spectrum.counts)
    assert same(back.transmission, spectrum.transmission)
    assert back.noise == spectrum.noise
    assert set(spectrum.meta.extra) <= set(back.meta.extra)


def test_vamas_is_regular_where_the_axis_is_and_kinetic_where_that_is_exact(tmp_path):
    write_vamas(tmp_path / "a.vms", [_spectrum()])
    lines = (tmp_path / "a.vms").read_bytes().decode().split("\r\n")
    assert "REGULAR" in lines
    at = lines.index("Kinetic Energy")
    assert lines[at : at + 4] == ["Kinetic Energy", "eV", "1206.2", "0.1"]
    uneven = _spectrum(axis=Axis([280, 281, 283, 284, 285.5], "binding_energy"))
    write_vamas(tmp_path / "a.vms", [_spectrum(), uneven])
    lines = (tmp_path / "a.vms").read_text().split("\n")
    assert "IRREGULAR" in lines
    assert all(same(a.axis, b.axis) for a, b in zip(read(tmp_path / "a.vms"), [_spectrum(), uneven], strict=True))
    fine = _spectrum(axis=Axis(np.arange(5) / 3, "binding_energy"))
    write_vamas(tmp_path / "a.vms", [fine])
    assert "Binding energy" in (tmp_path / "a.vms").read_text()
    assert same(read(tmp_path / "a.vms")[0].axis, fine.axis)


def test_vamas_writes_what_is_known_and_no_more(tmp_path):
    bare = Spectrum(Axis([1.0, 2.0], "kinetic_energy"), [5, 6], meta=Meta(technique="xps", region="A"))
    write_vamas(tmp_path / "a.vms", [bare])
    meta = read(tmp_path / "a.vms")[0].meta
    empty = (
        meta.photon_energy,
        meta.dwell_time,
        meta.sweeps,
        meta.pass_energy,
        meta.work_function,
        meta.emission_angle,
    )
    assert empty == (None,) * 6
    assert (meta.date, meta.sample, meta.instrument) == ("", "", "")


def test_an_emission_angle_of_the_user_is_written(tmp_path):
    zeros = tuple((name, "0") for name in ("analysis source polar angle of incidence", "analysis source azimuth"))
    zeros += tuple((name, "0") for name in ("analyser axis take off polar angle", "analyser axis take off azimuth"))
    for angle in (0.0, 45.0):
        write_vamas(tmp_path / "a.vms", [_spectrum(meta=replace(META, emission_angle=angle, extra=zeros))])
        assert read(tmp_path / "a.vms")[0].meta.emission_angle == angle


def test_line_ends_in_texts_cannot_break_the_file(tmp_path):
    meta = replace(META, sample="a\r\nb", comments=("c\nd",), operator="e\x85f\x0bg", region="x\u2028y")
    write_vamas(tmp_path / "a.vms", [_spectrum(meta=meta)])
    back = read(tmp_path / "a.vms")[0]
    assert same(back.counts, _spectrum().counts)
    assert (back.meta.sample, back.meta.comments) == ("a b", ("c d",))


def test_vamas_refuses_what_it_cannot_hold(tmp_path):
    path = tmp_path / "a.vms"
    with pytest.raises(BadData, match="no spectrum to write"):
        write_vamas(path, [])
    series = Spectrum(Axis([1.0, 2.0], "binding_energy"), [[1, 2]], navigation=(Axis([0.0], "time", "s"),))
    with pytest.raises(BadData, match="A series cannot be one VAMAS block"):
        write_vamas(path, [series])
    with pytest.raises(BadData, match="1E37 stands for none"):
        write_vamas(path, [_spectrum(counts=[1, 2, 3, 4, 1e38])])
    with pytest.raises(BadData, match="XPS and electron loss only"):
        write_vamas(path, [_spectrum(meta=replace(META, technique="sims"))])
    with pytest.raises(BadData, match="would be read back as binding energies"):
        write_vamas(path, [_spectrum(axis=Axis(np.arange(5.0), "kinetic_energy"))])
    assert not path.exists()


@fixed_folder
@given(st.lists(spectra(1), min_size=1, max_size=3))
def test_vamas_comes_back_exactly(tmp_path, written):
    write_vamas(tmp_path / "a.vms", written)
    for spectrum, back in zip(written, read(tmp_path / "a.vms"), strict=True):
        assert same(back.axis, spectrum.axis)
        assert same(back.counts, spectrum.counts)
        assert same(back.transmission, spectrum.transmission)
        # Text of comments and the fields of the header do not depend on the numbers.
        assert back.meta.comments == spectrum.meta.comments


# --------------------------------------------------------------------------------------------------------- HDF5/NeXus


def test_nexus_comes_back_bit_for_bit(tmp_path):
    integers = Spectrum(
        Axis([1.0, 2.0, 3.0], "energy_loss"),
        np.arange(12, dtype=np.uint16).reshape(2, 2, 3),
        Noise("gaussian", None, 2.5, 0.5, "user"),
        Meta(title="image", technique="eels", extra=(("a", "b\0c"),)),
        navigation=(Axis([0.0, 1.0], "distance", "nm"), Axis([0.0, 2.0], "distance", "nm")),
    )
    written = [_spectrum(), integers, _spectrum(300_000, transmission=None, noise=Noise())]
    curves = {0: {"background": np.arange(5.0), "background ": np.arange(5.0), "Na 1s/NaF": np.ones(5)}}
    write_nexus(tmp_path / "a.h5", written, curves)
    assert same(read(tmp_path / "a.h5"), written)


@fixed_folder
@given(spectra())
def test_nexus_comes_back_exactly(tmp_path, spectrum):
    write_nexus(tmp_path / "a.h5", [spectrum])
    assert same(read(tmp_path / "a.h5"), [spectrum])


def test_nexus_is_plotted_by_any_viewer(tmp_path):
    write_nexus(tmp_path / "a.h5", [_spectrum()], {0: {"background": np.arange(5.0)}})
    with h5py.File(tmp_path / "a.h5") as file:
        entry = file[file.attrs["default"]]
        data = entry[entry.attrs["default"]]
        assert (file.attrs["NX_class"], entry.attrs["NX_class"], data.attrs["NX_class"]) == (
            "NXroot",
            "NXentry",
            "NXdata",
        )
        assert list(data.attrs["axes"]) == ["binding_energy"]
        assert data[data.attrs["signal"]].shape == data["binding_energy"].shape
        assert data["binding_energy"].attrs["units"] == "eV"
        assert data["intensity"].attrs["units"] == "counts"
        assert list(data.attrs["auxiliary_signals"]) == ["background"]
        assert entry["instrument/beam_probe/incident_energy"][()] == 1486.6
        assert entry["instrument/electronanalyser/energydispersion/pass_energy"].attrs["units"] == "eV"
        assert entry["sample/name"][()] == b"anode, cycled"


def test_nexus_refuses_what_does_not_fit(tmp_path):
    with pytest.raises(BadData, match="no spectrum to write"):
        write_nexus(tmp_path / "a.h5", [])
    with pytest.raises(BadData, match="The curve 'b' does not fit"):
        write_nexus(tmp_path / "a.h5", [_spectrum()], {0: {"b": [1.0]}})
    with pytest.raises(BadData, match="Curves are given for spectrum 3"):
        write_nexus(tmp_path / "a.h5", [_spectrum()], {3: {}})


DATA = "spectrum_0001/data"


def _replace(name, make):
    def change(file):
        attributes = dict(file[name].attrs)
        del file[name]
        make(file)
        if name in file and isinstance(file.get(name, getlink=True), h5py.HardLink):
            file[name].attrs.update(attributes)

    return change


def _external_data(file):
    file.create_dataset(f"{DATA}/intensity", (5,), "f8", external=[("/etc/hostname", 0, 40)])


def _virtual(file):
    layout = h5py.VirtualLayout((5,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (5,))
    file.create_virtual_dataset(f"{DATA}/intensity", layout)


def _set(name, value):
    return lambda file: file.__setitem__(name, value)


# What stands in the file instead, and what is said.
HOSTILE = [
    (f"{DATA}/intensity", _set(f"{DATA}/intensity", h5py.ExternalLink("/etc/x.h5", "/a")), "refers to another file"),
    (f"{DATA}/intensity", _set(f"{DATA}/intensity", h5py.SoftLink("/spectrum_0001/data/transmission")), "holds a link"),
    ("spectrum_0001", _set("spectrum_0001", h5py.SoftLink("/spectrum_0001")), "holds a link"),
    (f"{DATA}/intensity", _external_data, "data lie in another file"),
    (f"{DATA}/intensity", _virtual, "are virtual"),
    (f"{DATA}/intensity", lambda f: f.create_dataset(f"{DATA}/intensity", (5,), h5py.ref_dtype), "references"),
    (f"{DATA}/intensity", _set(f"{DATA}/intensity", ["a", "b"]), "no number"),
    (f"{DATA}/intensity", lambda f: f.create_group(f"{DATA}/intensity"), "A group stands where data"),
    (f"{DATA}/intensity", lambda f: f.create_dataset(f"{DATA}/intensity", (10**12,), "f8"), "declares 8e\\+12 bytes"),
    (
        f"{DATA}/intensity",
        lambda f: f.create_dataset(f"{DATA}/intensity", (10**9,), "f8", compression="gzip", chunks=(1024,)),
        "declares 8e\\+09 bytes",
    ),
    (f"{DATA}/intensity", lambda f: f.create_dataset(f"{DATA}/intensity", (5,), "f8", compression="lzf"), "filter"),
    (f"{DATA}/intensity", lambda f: None, "Data are missing"),
    (f"{DATA}/intensity", _set(f"{DATA}/intensity", [1.0, 2.0]), "do not fit axes"),
    (f"{DATA}/intensity", _set(f"{DATA}/intensity", [1.0, 2.0, np.nan, 1, 1]), "not finite"),
    (f"{DATA}/binding_energy", _set(f"{DATA}/binding_energy", [1.0, 1, 1, 1, 1]), "ascend strictly"),
    ("spectrum_0001/sodalite", lambda f: None, "The part 'sodalite' is missing"),
    ("spectrum_0001/data", _set(DATA, [1.0]), "'data' is no group"),
    ("spectrum_0001/sodalite/meta", _set("spectrum_0001/sodalite/meta", 5.0), "holds no text"),
    ("spectrum_0001/sodalite/meta", _set("spectrum_0001/sodalite/meta", '{"class": "os.system"}'), "something unknown"),
    ("spectrum_0001/sodalite/meta", _set("spectrum_0001/sodalite/meta", "{"), "damaged"),
    ("spectrum_0001/sodalite/meta", _set("spectrum_0001/sodalite/meta", "[" * 900 + "]" * 900), "nested|damaged"),
    ("spectrum_0001/sodalite/noise", _set("spectrum_0001/sodalite/noise", '"x"'), "description is damaged"),
]


@pytest.mark.parametrize(("name", "make", "what"), HOSTILE)
def test_hostile_nexus_is_refused(tmp_path, name, make, what):
    path = tmp_path / "a.h5"
    write_nexus(path, [_spectrum()])
    with h5py.File(path, "r+") as file:
        _replace(name, make)(file)
    with pytest.raises(BadFile, match=what) as caught:
        read(path)
    assert str(path) in caught.value.where


def test_a_newer_layout_and_an_empty_file_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    write_nexus(path, [_spectrum()])
    with h5py.File(path, "r+") as file:
        file.attrs["layout"] = 99
    with pytest.raises(BadFile, match="newer layout"):
        read(path)
    with h5py.File(path, "r+") as file:
        file.attrs["layout"] = 1
        del file["spectrum_0001"]
    with pytest.raises(BadFile, match="holds no spectrum"):
        read(path)
    with h5py.File(path, "r+") as file:
        file.attrs["creator"] = "somebody"
    with pytest.raises(BadFile, match="an HDF5 file without spectra that can be read"):
        read(path)


# -------------------------------------------------------------------------------------------------------------- atomic


def test_an_error_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]  # noqa: PTH208 - names are wanted


def test_a_file_is_replaced_with_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    with atomic_path(link) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with atomic_path(tmp_path / "fresh") as temporary:
        temporary.write_text("x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "fresh").stat().st_mode == (tmp_path / "plain").stat().st_mode


def _write(path):
    with atomic_path(path) as temporary:
        temporary.write_text("x")


def test_each_reason_has_clear_words(tmp_path):
    with pytest.raises(CannotWrite, match="The folder does not exist"):
        _write(tmp_path / "missing" / "a.txt")
    with pytest.raises(CannotWrite, match="This is a folder, not a file"):
        _write(tmp_path)
    with pytest.raises(CannotWrite, match="file name is too long"):
        _write(tmp_path / ("x" * 300))
    read_only = tmp_path / "kept"
    read_only.write_text("old")
    read_only.chmod(0o444)
    with pytest.raises(CannotWrite, match="The file is read-only"):
        _write(read_only)
    assert read_only.read_text() == "old"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "The folder is read-only"),
        (errno.EACCES, "read-only or in use"),
        (errno.EIO, "Cannot be written"),
    ],
)
def test_what_the_system_says_becomes_clear_words(tmp_path, number, words):
    with pytest.raises(CannotWrite, match=words) as caught, atomic_path(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert caught.value.where == str(tmp_path / "a.txt")
    assert caught.value.todo
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_in_the_words_of_hdf5(tmp_path):
    error = OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device')")
    assert cannot_write(tmp_path, error).what == "The disk is full"


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="this system has no /dev/full")
def test_a_really_full_device(tmp_path):
    with (
        pytest.raises(CannotWrite, match="The disk is full"),
        atomic_path(tmp_path / "a"),
        Path("/dev/full").open("wb", 0) as f,
    ):
        f.write(b"x")
