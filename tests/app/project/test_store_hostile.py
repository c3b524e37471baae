"""Files that want something: each kind of trick is refused with a BadProject that says what and where."""

from __future__ import annotations

import os
import sys

import h5py
import numpy as np
import pytest

from app.project import store, store_reader
from libraries.errors import BadProject
from tests.app.project.projects import full_project

E1 = "entry_1_c1s"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.sodalite"
    store.save(full_project(), path)
    return path


def _refused(path, match: str | None = None) -> BadProject:
    with pytest.raises(BadProject, match=match) as caught:
        store.load(path)
    assert caught.value.what
    assert str(path) in caught.value.where
    assert caught.value.todo
    return caught.value


def soft_link(file):
    file["soft"] = h5py.SoftLink("/project")


def dangling_link(file):
    file[f"{E1}/soft"] = h5py.SoftLink("/nowhere")


def external_link(file):
    file[f"{E1}/data/outside"] = h5py.ExternalLink("/etc/passwd", "/x")


def external_storage(file):
    file.create_dataset("outside", (100,), "u1", external=[("/etc/passwd", 0, 100)])


def virtual(file):
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "data", (10,))
    file.create_virtual_dataset("virtual", layout)


def object_reference(file):
    file.create_dataset("reference", data=file["project"].ref, dtype=h5py.ref_dtype)


def region_reference(file):
    file.create_dataset("reference", data=file[f"{E1}/data/counts"].regionref[0:3], dtype=h5py.regionref_dtype)


def attribute_reference(file):
    file[f"{E1}/data/counts"].attrs["reference"] = file["project"].ref


def attribute_compound_reference(file):
    kind = np.dtype([("a", "i4"), ("r", h5py.ref_dtype)])
    value = np.array([(1, file["project"].ref)], kind)
    file["project"].attrs.create("reference", value, dtype=kind)


def attribute_vlen_reference(file):
    kind = h5py.h5t.vlen_create(h5py.h5t.STD_REF_OBJ)
    h5py.h5a.create(file[E1].id, b"reference", kind, h5py.h5s.create_simple((2,)))


def many_attributes(file):
    for n in range(70):
        file[E1].attrs[f"a{n}"] = n


def variable_text(file):
    file["text"] = "variable"


def variable_numbers(file):
    file.create_dataset("numbers", (3,), h5py.vlen_dtype("f8"))


def compound(file):
    file["table"] = np.zeros(3, [("a", "i4"), ("b", "f8")])


def opaque(file):
    file.create_dataset("opaque", data=np.zeros(3, "V5"))


def enum(file):
    file.create_dataset("truth", data=np.array([True, False]))


def half_floats(file):
    file["half"] = np.zeros(3, "f2")


def odd_integers(file):
    kind = h5py.h5t.NATIVE_INT32.copy()
    kind.set_precision(17)
    h5py.h5d.create(file.id, b"odd", kind, h5py.h5s.create_simple((3,)))


def named_type(file):
    file["kind"] = np.dtype("f8")


def lzf(file):
    file.create_dataset("packed", data=np.zeros(1000), compression="lzf")


def unknown_filter(file):
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((10,))
    layout.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    h5py.h5d.create(file.id, b"packed", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((100,)), layout)


def gzip_twice(file):
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((10,))
    layout.set_deflate(9)
    layout.set_deflate(9)
    h5py.h5d.create(file.id, b"packed", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((100,)), layout)


def cycle(file):
    file[f"{E1}/loop"] = file["/"]


def cycle_below(file):
    file[f"{E1}/data/loop"] = file[E1]


def second_link(file):
    file["again"] = file[f"{E1}/data/counts"]


def deep(file):
    file.create_group("a/" * 10)


def huge(file):
    file.create_dataset("huge", (2**40,), "f8")


def huge_product(file):
    file.create_dataset("huge", (2**32, 2**31), "f8", chunks=(1, 1000))


def huge_sum(file):
    for n in range(10):
        file.create_dataset(f"huge{n}", (500_000_000,), "u1")


def empty_chunks(file):
    """Nothing stored, zeros declared: more than any file of this size can hold."""
    file.create_dataset("bomb", (400_000_000,), "u1", chunks=(1 << 20,), compression="gzip")


def large_chunks(file):
    file.create_dataset("large", (50_000_000,), "u1", chunks=(50_000_000,), compression="gzip")


def bomb_chunk(file):
    """A chunk that says 1 kB and unpacks to 50 MB."""
    import zlib

    bomb = file.create_dataset("bomb", (1024,), "u1", chunks=(1024,), compression="gzip")
    bomb.id.write_direct_chunk((0,), zlib.compress(bytes(50_000_000), 9))


def many_dimensions(file):
    file["many"] = np.zeros((1,) * 12)


def no_shape(file):
    file["nothing"] = h5py.Empty("f8")


def long_text(file):
    file.create_dataset("text", (), "S20000000")


def unicode_name(file):
    file["Ångström"] = np.zeros(2)


def no_text(file):
    del file["project"]
    file["project"] = np.bytes_(b"\xff\xfe")


TRICKS = {
    soft_link: "soft link",
    dangling_link: "soft link",
    external_link: "another file",
    external_storage: "another file",
    virtual: "virtual",
    object_reference: "reference",
    region_reference: "reference",
    attribute_reference: "reference",
    attribute_compound_reference: "reference",
    attribute_vlen_reference: "reference",
    many_attributes: "attributes",
    variable_text: "type",
    variable_numbers: "type",
    compound: "type",
    opaque: "type",
    enum: "type",
    half_floats: "type",
    odd_integers: "type",
    named_type: "neither",
    lzf: "filter 32000",
    unknown_filter: "filter 32015",
    gzip_twice: "twice",
    cycle: "second link",
    cycle_below: "second link",
    second_link: "second link",
    deep: "deep",
    huge: "declares",
    huge_product: "declares",
    huge_sum: "declares",
    empty_chunks: "declares",
    large_chunks: "chunks",
    bomb_chunk: "chunk",
    many_dimensions: "dimensions",
    no_shape: "shape",
    long_text: "text",
    unicode_name: "named",
    no_text: "UTF-8",
}


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
@pytest.mark.parametrize("place", ["read", "copies"])
def test_tricks_are_refused(path, trick, place):
    """Also below groups that are only there for viewers and are not read."""
    with h5py.File(path, "r+") as file:
        if place == "read" or trick is no_text:
            trick(file)
        else:
            _inside_copies(file, trick)
    _refused(path, TRICKS[trick])


def _inside_copies(file, trick):
    """Play the trick in a file of its own and move what it made below a group that is not read."""
    before, entries = set(file), {name: set(file[f"{E1}{name}"]) for name in ("", "/data")}
    trick(file)
    home = file.require_group(f"{E1}/fit_1_main/peak_p1")
    for name in set(file) - before:
        file.move(name, f"{home.name}/{name}")
    for below, known in entries.items():
        for name in set(file[f"{E1}{below}"]) - known:
            file.move(f"{E1}{below}/{name}", f"{home.name}/{name}")


def test_many_objects_are_refused(path, monkeypatch):
    monkeypatch.setattr(store_reader, "MAX_OBJECTS", 30)
    _refused(path, "30 objects")


def test_an_added_dataset_is_noticed(path):
    with h5py.File(path, "r+") as file:
        file["more"] = np.zeros(3)
    _refused(path, "another program")


def test_added_attributes_and_changed_copies_do_no_harm(path):
    with h5py.File(path, "r+") as file:
        file.attrs["comment"] = "seen"
        file[f"{E1}/data/counts"].attrs["comment"] = "seen"
        del file[f"{E1}/title"]
        file[f"{E1}/fit_1_main/parameters/value"][0] = 0.0
    assert store.load(path).equals(full_project())


# ------------------------------------------------------------------------------------------------- not a project


@pytest.mark.parametrize(
    "content", [b"\n", b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04", b"x,y\n1,2\n", b"\x89HDF\r\n"]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.sodalite"
    path.write_bytes(content)
    _refused(path, "not a project")


def test_other_hdf5_files_are_refused(tmp_path):
    path = tmp_path / "a.sodalite"
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(5)
    _refused(path, "not a project")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "a.sodalite"
    path.touch()
    _refused(path, "empty")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.sodalite")
    _refused(tmp_path / "a.sodalite", "ordinary file")


def test_a_file_larger_than_any_project_is_not_read(tmp_path):
    path = tmp_path / "a.sodalite"
    with path.open("wb") as file:
        file.truncate(store.MAX_FILE + 1)  # sparse
    _refused(path, "more than")


def test_every_truncation_is_refused(path):
    whole = path.read_bytes()
    for size in [*range(1, len(whole), max(1, len(whole) // 60)), len(whole) - 1]:
        path.write_bytes(whole[:size])
        _refused(path)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(path):
    path.chmod(0)
    _refused(path)
