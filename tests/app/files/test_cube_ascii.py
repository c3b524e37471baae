"""Cubes from SurfaceLab's 3D export as text: what was written comes back, and what makes no sense names its line."""

import json
import subprocess
import sys

import numpy as np
import pytest

from app.files import read, sniff
from app.files.cube_ascii import import_ascii, ion_files, read_volume
from app.files.cube_import import import_cube, recognised
from app.files.cube_store import CubeSettings
from fitting.sims.cube import volume_of
from libraries.errors import BadFile, Cancelled, CannotWrite
from tests.app.files.made_sims import voxels

SHAPE = (5, 4, 6)  # scans, rows, columns: all different
IONS = ("Na2F+", "Na3O+", "C2H3+")


def volumes(seed=1, high=4.0):
    rng = np.random.default_rng(seed)
    return [rng.poisson(high * (i + 1), SHAPE) for i in range(len(IONS))]


def export(folder, counts, names=IONS, **how):
    """Files as SurfaceLab names them."""
    paths = []
    for number, (name, volume) in enumerate(zip(names, counts, strict=True)):
        paths.append(folder / f"33.3_tomog_ ({number + 2}) - {name}.txt")
        paths[-1].write_bytes(voxels(volume, **how))
    return paths


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    return made


@pytest.mark.parametrize("how", [
    {}, {"end": "\r\n"}, {"form": "{}\t{}\t{}\t{}"}, {"form": "{}, {}, {}, {}"}, {"form": "{}.0 {}.000 {}.0 {}.00"},
    {"form": "{}e0 {}E+000 {}.0e-0 +{}"}, {"order": "xyz"}, {"order": "yzx"}, {"header": "SurfaceLab\nx y z counts"},
    {"sparse": True},
])  # fmt: skip
def test_every_count_comes_back(folder, tmp_path, how):
    counts = volumes()
    written = import_cube(export(folder, counts, **how), tmp_path / "cube", CubeSettings())
    assert written.name == "cube.h5"
    (cube,) = read(written)
    assert cube.counts.shape == (*SHAPE, len(IONS))
    assert cube.counts.dtype == np.uint8
    for ion, volume in enumerate(counts):
        np.testing.assert_array_equal(cube.counts[..., ion], volume)
    assert cube.axis.labels == IONS
    assert cube.axis.quantity == "ion"
    assert (cube.noise.kind, cube.noise.gain) == ("poisson", 1.0)
    assert cube.meta.technique == "sims"
    assert dict(cube.meta.extra)["polarity"] == "positive"


def test_axes_in_time_and_micrometres(folder, tmp_path):
    settings = CubeSettings(name="Film", pixel=0.5, scan_time=2.5, sample="A")
    (cube,) = read(import_cube([folder], tmp_path / "c.h5", settings)) if export(folder, volumes()) else ()
    time, rows, columns = cube.navigation
    np.testing.assert_allclose(time.values, 2.5 * np.arange(1, 6))
    assert (time.quantity, time.unit) == ("time", "s")
    np.testing.assert_allclose(rows.values, [0.25, 0.75, 1.25, 1.75])
    assert (columns.unit, len(columns)) == ("µm", 6)
    assert (cube.meta.title, cube.meta.sample) == ("Film", "A")


def test_counts_from_one(folder, tmp_path):
    counts = volumes()
    (cube,) = read(import_cube(export(folder, counts, first=1), tmp_path / "c.h5", CubeSettings(first=1)))
    np.testing.assert_array_equal(cube.counts[..., 1], counts[1])


def test_sparse_files_of_different_reach_are_filled_up(folder, tmp_path):
    counts = volumes()
    counts[0][3:] = 0  # the first file ends before the others
    counts[1][:, 2:] = 0
    (cube,) = read(import_cube(export(folder, counts, sparse=True), tmp_path / "c.h5", CubeSettings()))
    for ion, volume in enumerate(counts):
        np.testing.assert_array_equal(cube.counts[..., ion], volume)
    assert "highest coordinates" in dict(cube.meta.extra)["size"]


def test_a_given_size_keeps_empty_margins(folder, tmp_path):
    counts = volumes()
    (cube,) = read(import_cube(export(folder, counts), tmp_path / "c.h5", CubeSettings(size=(8, 7, 9))))
    assert cube.counts.shape == (9, 7, 8, 3)
    np.testing.assert_array_equal(cube.counts[:5, :4, :6, 2], counts[2])
    assert cube.counts[5:].sum() == 0


def test_header_gives_size_name_mass_and_field(folder, tmp_path):
    header = "Ion: Na2F+\nCenter Mass (u): 64.9774\nImage Size: 6 x 4 pixels\nScans: 7\nField of View: 30.0 x 20.0 µm²"
    path = folder / "one.txt"
    path.write_bytes(voxels(volumes()[0], header=header, sparse=True))
    (cube,) = read(import_ascii([path], tmp_path / "c.h5", CubeSettings()))
    assert cube.counts.shape == (7, 4, 6, 1)
    assert (cube.axis.labels, cube.axis.masses) == (("Na2F+",), (64.9774,))
    np.testing.assert_allclose(cube.navigation[2].values[0], 2.5)


def test_the_type_holds_the_highest_count(folder, tmp_path):
    for high, dtype in ((255, np.uint8), (256, np.uint16), (70_000, np.uint32)):
        counts = volumes()
        counts[1][2, 1, 3] = high
        (cube,) = read(import_cube(export(folder, counts), tmp_path / f"{high}.h5", CubeSettings()))
        assert cube.counts.dtype == dtype
        assert cube.counts[2, 1, 3, 1] == high


def test_names_of_columns_without_a_mark(folder, tmp_path):
    paths = export(folder, volumes())
    for path in paths:
        path.write_bytes(b"X\tY\tZ\tIntensity\n" + path.read_bytes())
    (cube,) = read(import_cube(paths, tmp_path / "c.h5", CubeSettings()))
    np.testing.assert_array_equal(cube.counts[..., 2], volumes()[2])


def test_order_and_names_follow_the_numbers_in_brackets(folder):
    for number, name in ((10, "Cl-"), (9, "F-"), (11, "^37Cl-")):
        (folder / f"a ({number}) - {name}.txt").write_bytes(voxels(volumes()[0]))
    assert [one.name for one in ion_files([folder])] == ["F-", "Cl-", "^37Cl-"]


def test_names_without_numbers_drop_what_they_share(folder):
    for name in ("NaF2-", "NaO-"):
        (folder / f"SEI_{name}.txt").write_bytes(voxels(volumes()[0]))
    assert {one.name for one in ion_files([folder])} == {"NaF2-", "NaO-"}


BAD = [
    (b"0 0 0 1\n1 0 0 x\n", 2, "no number"),
    (b"# head\n0 0 0 1\n\n1 0 0\n", 4, "fewer"),
    (b"0 0 0 1 7\n", 1, "more"),
    (b"0 0 0 1\n1 0 0 1.5\n", 2, "whole"),
    (b"0 0 0 1\n-1 0 0 2\n", 2, "before the first"),
    (b"0 0 0 1\n1 0 0 -2\n", 2, "below zero"),
    (b"0 0 0 1\n1 0 0 99999999999999999999\n", 2, "too large"),
    (b"0 0 0 1\n1 0 0 4294967295\n", 2, "too large"),
    (b"0 0 0 1\n1 0 0 2\n# x\n0 0 0 3\n", 4, "twice"),
    (b"0 0 0 1\n1 0 0 nan\n", 2, "no number"),
    (b"0 0 0 1\n1 0 0 1e\n", 2, "no number"),
    (b"0 0 0 1\n1 0 0 0x10\n", 2, "no number"),
    (b"0 0 0 1\n0 0 1 1\n0,5 0 0 1\n", 3, "more"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD)
def test_bad_lines_are_refused_with_their_number(tmp_path, text, line, words):
    path = tmp_path / "bad (1) - X+.txt"
    path.write_bytes(text)
    with pytest.raises(BadFile) as caught:
        read_volume(_unlooked(path))
    assert f"line {line}" in caught.value.where
    assert words in caught.value.what
    assert caught.value.todo


def _unlooked(path):
    from app.files.cube_ascii import IonFile

    return IonFile(path, "X+")


def test_a_bad_line_far_down_is_counted_right(tmp_path, monkeypatch):
    """Lines are counted on from block to block."""
    monkeypatch.setattr("app.files.cube_ascii._BLOCK", 1 << 17)
    path = tmp_path / "x.txt"
    good = [f"{i % 100} {i // 100 % 100} {i // 10_000} 3" for i in range(40_000)]
    good[35_000] = "# a comment"
    path.write_text("\n".join([*good[:38_000], "1 2 three 4", *good[38_000:]]))
    with pytest.raises(BadFile, match="line 38001"):
        read_volume(_unlooked(path))
    path.write_text("\n".join([*good[:38_000], good[5], *good[38_000:]]))
    with pytest.raises(BadFile, match=r"line 38001.*twice"):
        read_volume(_unlooked(path))
    path.write_text("\n".join(good))
    volume, complete = read_volume(_unlooked(path))
    assert (complete, int(volume.sum()), volume.shape) == (False, 3 * 39_999, (4, 100, 100))


def test_coordinates_outside_of_a_given_size(folder, tmp_path):
    with pytest.raises(BadFile, match=r"line 6: .*outside"):
        import_cube(export(folder, volumes()), tmp_path / "c.h5", CubeSettings(size=(5, 4, 5)))


def test_absurd_coordinates_ask_for_no_memory(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("0 0 0 1\n60000 60000 60000 1\n")
    with pytest.raises(BadFile, match="reach to 60001"):
        read_volume(_unlooked(path))


def test_full_files_of_different_size_are_refused(folder, tmp_path):
    counts = volumes()
    counts[0][0, 0, 0] = 0  # a file that lists a voxel without counts lists all
    paths = export(folder, counts)
    paths[0].write_bytes(voxels(counts[0][:4]))
    with pytest.raises(BadFile, match="lists every voxel"):
        import_cube(paths, tmp_path / "c.h5", CubeSettings())
    assert not (tmp_path / "c.h5").exists()


def test_headers_of_different_size_are_refused(folder, tmp_path):
    paths = export(folder, volumes(), header="Image Size: 6 x 4 pixels")
    paths[1].write_bytes(voxels(volumes()[1], header="Image Size: 8 x 4 pixels"))
    with pytest.raises(BadFile, match="8 x 4"):
        import_cube(paths, tmp_path / "c.h5", CubeSettings())


def test_mixed_polarity_is_refused(folder, tmp_path):
    with pytest.raises(BadFile, match="positive and negative"):
        import_cube(export(folder, volumes(), names=("Na+", "Cl-", "F-")), tmp_path / "c.h5", CubeSettings())
    with pytest.raises(BadFile, match="not negative"):
        import_cube(export(folder, volumes(), names=IONS)[:3], tmp_path / "c.h5", CubeSettings(polarity="negative"))


def test_cancel_leaves_nothing_behind(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    asked = []

    def cancel():
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        import_cube(export(folder, volumes()), out / "c.h5", CubeSettings(), cancel=cancel)
    assert list(out.iterdir()) == []


def test_progress_rises_to_one(folder, tmp_path):
    seen = []
    paths = export(folder, volumes())
    import_cube(paths, tmp_path / "c.h5", CubeSettings(), progress=lambda part, _: seen.append(part))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_sources_are_never_overwritten(folder):
    paths = export(folder, volumes())
    with pytest.raises(CannotWrite):
        import_cube(paths, paths[0], CubeSettings())


def test_one_file_is_known_and_sends_to_the_import(folder):
    path = export(folder, volumes())[0]
    assert sniff(path).name == "cube_ascii"
    with pytest.raises(BadFile, match="Import cube of ions"):
        read(path)


def test_tables_of_spectra_are_not_taken_for_voxels(tmp_path):
    path = tmp_path / "counts.txt"
    path.write_text("".join(f"{100 + i} {i * 3 % 7} {i % 5} {i % 3}\n" for i in range(60)))
    assert sniff(path).name != "cube_ascii"
    path.write_text("".join(f"{i} 0 0 {i % 3}\n" for i in range(60)))  # one row of an image could also be a spectrum
    assert sniff(path).name != "cube_ascii"


def test_what_chosen_files_are(folder, tmp_path):
    export(folder, volumes())
    source = recognised([folder])
    assert (source.kind, source.ions, source.needs_peaks) == ("ascii", IONS, False)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BadFile):
        recognised([tmp_path / "notes.txt"])


def test_a_large_cube_is_read_from_its_file(folder, tmp_path, monkeypatch):
    """As cubes beyond 256 MB are: piece by piece, and single ions by their chunks."""
    counts = volumes()
    written = import_cube(export(folder, counts), tmp_path / "c.h5", CubeSettings())
    monkeypatch.setattr("fitting.stored.IN_MEMORY", 100)
    (cube,) = read(written)
    assert cube.stored
    np.testing.assert_array_equal(cube.rows(7, 31)[:, 2], counts[2].reshape(-1)[7:31])
    np.testing.assert_array_equal(volume_of(cube, [1]), counts[1])
    np.testing.assert_array_equal(volume_of(cube, [0, 2], (1, 3)), (counts[0] + counts[2])[1:4])


def test_memory_stays_bounded(tmp_path, measured):
    """In a process of its own: 12 ions of 64 x 64 x 40 voxels as text, with the peak of memory."""
    code = (
        "import sys, json; from pathlib import Path; from app.files.cube_import import import_cube\n"
        "from app.files.cube_store import CubeSettings; from benchmarks._large_image import memory\n"
        "import_cube([Path(sys.argv[1])], Path(sys.argv[2]), CubeSettings()); print(json.dumps(memory('VmHWM')))"
    )
    folder = tmp_path / "in"
    folder.mkdir()
    z, y, x = np.mgrid[0:40, 0:64, 0:64].reshape(3, -1)
    for ion in range(12):
        np.savetxt(folder / f"t ({ion}) - Na{ion + 1}F+.txt", np.column_stack([x, y, z, (x + ion) % 7]), fmt="%d")
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(tmp_path / "c.h5")], capture_output=True,
                          text=True, check=True)  # fmt: skip
    peak = json.loads(done.stdout)
    measured("cube of 12 ions of 64 x 64 x 40 voxels from text: peak of memory", peak, "MB", "< 500")
    assert peak < 500


@pytest.mark.parametrize("sparse", [False, True])
def test_files_that_count_from_one_are_not_taken_to_count_from_zero(tmp_path, sparse):
    counts = np.random.default_rng(4).poisson(1.0, (4, 5, 6))
    (tmp_path / "a (1) - Na+.txt").write_bytes(voxels(counts, first=1, sparse=sparse))
    with pytest.raises(BadFile, match="counted from 1"):
        import_ascii([tmp_path], tmp_path / "c.h5", CubeSettings())
    (s,) = read(import_ascii([tmp_path], tmp_path / "c.h5", CubeSettings(first=1)))
    np.testing.assert_array_equal(np.asarray(s.counts)[..., 0], counts)
    # Who says the size means what the files say.
    (s,) = read(import_ascii([tmp_path], tmp_path / "d.h5", CubeSettings(size=(7, 6, 5))))
    np.testing.assert_array_equal(np.asarray(s.counts)[1:, 1:, 1:, 0], counts)
