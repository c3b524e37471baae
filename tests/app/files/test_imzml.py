"""imzML: images that were written come back, both files are checked, and XML that hides something is refused."""

import numpy as np
import pytest

from app.files import read, sniff
from app.files.child import read_in_child
from app.files.cube_import import import_cube
from app.files.cube_store import CubeSettings
from app.files.imzml_index import read_index
from fitting.sims.ions_of import ions_of
from fitting.sims.setup import MassPeak
from libraries.errors import BadFile
from tests.app.files.made_sims import imzml

GRID = np.round(20.0 + 0.25 * np.arange(12), 4)


def pixels(rows=3, columns=4, scans=0, seed=1, keep=0.6):
    """Processed pixels: each with some channels of a grid, in any order of places; one place is left out."""
    rng = np.random.default_rng(seed)
    made = []
    for place in np.ndindex(max(scans, 1), rows, columns):
        if place[1:] == (1, 2):
            continue
        mz = GRID[rng.random(GRID.size) < keep]
        at = (place[2] + 1, place[1] + 1, *((place[0] + 1,) if scans else ()))
        made.append((at, tuple(mz), tuple(int(n) for n in rng.poisson(5.0, mz.size))))
    return [made[i] for i in rng.permutation(len(made))]


def expected(made, rows=3, columns=4, scans=1):
    image = np.zeros((scans, rows, columns, GRID.size), int)
    for place, mz, counts in made:
        x, y, z = (*place, 1)[:3]
        for m, count in zip(mz, counts, strict=True):
            image[z - 1, y - 1, x - 1, int(np.argmin(abs(GRID - m)))] = count
    return image


@pytest.mark.parametrize(("form", "mz_form"), [("f", "d"), ("d", "d"), ("i", "d"), ("q", "f")])
@pytest.mark.parametrize("packed", [False, True])
def test_processed_image(tmp_path, form, mz_form, packed):
    made = pixels()
    path = imzml(tmp_path / "a.imzML", made, form=form, mz_form=mz_form, packed=packed, size=(4, 3), pixel=2.0)
    assert sniff(path).name == "imzml"
    (image,) = read(path)
    assert image.axis.quantity == "mass"
    np.testing.assert_array_equal(image.x, GRID)
    np.testing.assert_array_equal(image.counts, expected(made)[0])
    assert image.counts.dtype == np.uint8
    np.testing.assert_allclose(image.navigation[1].values, [1, 3, 5, 7])
    assert image.navigation[0].unit == "µm"
    extra = dict(image.meta.extra)
    assert extra["polarity"] == "positive"
    assert extra["pixels without a spectrum"] == "1 of 12, taken as zero counts"
    assert image.noise.kind == "poisson"


def test_depth_becomes_scans(tmp_path):
    made = pixels(scans=5)
    (cube,) = read(imzml(tmp_path / "a.imzML", made, size=(4, 3)))
    np.testing.assert_array_equal(cube.counts, expected(made, scans=5))
    assert [axis.quantity for axis in cube.navigation] == ["scan", "index", "index"]


def test_continuous_image(tmp_path):
    rng = np.random.default_rng(3)
    made = [((x + 1, y + 1), tuple(GRID), tuple(rng.poisson(300.0, GRID.size))) for y in range(2) for x in range(5)]
    (image,) = read(imzml(tmp_path / "a.imzML", made, continuous=True, polarity="negative", swapped=True))
    assert image.counts.shape == (2, 5, 12)
    assert dict(image.meta.extra)["polarity"] == "negative"
    np.testing.assert_array_equal(image.counts.reshape(10, -1), [counts for _, _, counts in made])


def test_intensities_that_are_no_counts(tmp_path):
    (image,) = read(imzml(tmp_path / "a.imzML", [((1, 1), (1.0, 2.0), (0.5, 3.0)), ((2, 1), (1.0,), (7.0,))]))
    assert (image.noise.kind, image.meta.intensity_unit) == ("unknown", "arbitrary")
    np.testing.assert_array_equal(image.counts, [[[0.5, 3.0], [7.0, 0.0]]])


def test_a_large_image_is_summed_and_says_so(tmp_path, monkeypatch):
    made = pixels()
    path = imzml(tmp_path / "a.imzML", made, size=(4, 3))
    monkeypatch.setattr("fitting.stored.IN_MEMORY", 100)
    (total,) = read(path)
    np.testing.assert_array_equal(total.counts, expected(made).sum(axis=(0, 1, 2)))
    assert "too large" in dict(total.meta.extra)["pixels"]


def test_too_many_masses_are_binned_without_loss(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    made = [((i + 1, 1), tuple(np.sort(rng.uniform(1, 300, 200))), tuple(1 + rng.poisson(3.0, 200))) for i in range(6)]
    path = imzml(tmp_path / "a.imzML", made)
    monkeypatch.setattr("app.files.imzml._MOST_CHANNELS", 100)
    (total,) = read(path)
    assert total.counts.sum() == sum(sum(counts) for _, _, counts in made)
    assert "put into" in dict(total.meta.extra)["m/z"]
    # No line is moved by more than half a channel.
    lines, channels = np.sqrt(np.concatenate([mz for _, mz, _ in made])), np.sqrt(total.x)
    moved = np.abs(lines[:, None] - channels[total.counts > 0]).min(axis=1)
    assert moved.max() < 0.51 * np.diff(channels).max()


PEAKS = (
    MassPeak("C2H3+", 20.25, 20.1, 20.6), MassPeak("Na+", 21.75, 21.5, 22.0, ("C2H5+",)),
    MassPeak("", 22.75, 22.7, 23.0),
)  # fmt: skip


def test_cube_by_a_peak_list(tmp_path):
    made = pixels(scans=3)
    path = imzml(tmp_path / "a.imzML", made, size=(4, 3), pixel=2.0)
    (cube,) = read(import_cube([path], tmp_path / "c.h5", CubeSettings(), peaks=PEAKS))
    truth = expected(made, scans=3)
    inside = [(p.low <= GRID) & (p.high >= GRID) for p in PEAKS]
    np.testing.assert_array_equal(cube.counts, np.stack([truth[..., one].sum(axis=-1) for one in inside], axis=-1))
    assert cube.axis.labels == ("C2H3+", "Na+ or C2H5+", "22.7500")
    assert cube.axis.masses == (20.25, 21.75, 22.75)
    # The image in memory gives the same ions.
    (image,) = read(path)
    np.testing.assert_array_equal(ions_of(image, PEAKS).counts, cube.counts)
    with pytest.raises(BadFile, match="peak list"):
        import_cube([path], tmp_path / "d.h5", CubeSettings())


def test_groups_of_ions_in_several_passes(tmp_path, monkeypatch):
    path = imzml(tmp_path / "a.imzML", pixels(), size=(4, 3))
    (whole,) = read(import_cube([path], tmp_path / "c.h5", CubeSettings(), peaks=PEAKS))
    monkeypatch.setattr("app.files.cube_import._IN_MEMORY", 4 * 12)
    (parts,) = read(import_cube([path], tmp_path / "d.h5", CubeSettings(), peaks=PEAKS))
    np.testing.assert_array_equal(parts.counts, whole.counts)


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(8)) + "]>"
)  # fmt: skip


@pytest.mark.parametrize("head", [
    BOMB, '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
])  # fmt: skip
def test_entities_and_references_are_refused(tmp_path, head):
    path = imzml(tmp_path / "a.imzML", pixels(), head=head, inside="<sampleList><sample name='x'/></sampleList>")
    with pytest.raises(BadFile, match="entities"):
        read(path)


def change(path, old, new, count=1):
    text = path.read_text(encoding="latin-1")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="latin-1")


@pytest.mark.parametrize(("old", "new", "words"), [
    ('"external offset" value="16"', '"external offset" value="99999999"', "inside the .ibd"),
    ('"external offset" value="16"', '"external offset" value="-16"', "damaged"),
    ('"external offset" value="16"', '"external offset" value="0"', "inside the .ibd"),
    ('"external array length" value="', '"external array length" value="9', "inside the .ibd"),
    ("IMS:1000031", "IMS:1000099", "continuous or processed"),
    ('"max count of pixels x" value="4"', '"max count of pixels x" value="2"', "said to have 2"),
    ('"max count of pixels x" value="4"', '"max count of pixels x" value="90000"', "declares"),
    ("MS:1000514", "MS:1000999", "lacks"),
    ("MS:1000523", "MS:1000999", "type of its numbers"),
    ("</mzML>", "</mzML", "XML is damaged"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path, old, new, words):
    path = imzml(tmp_path / "a.imzML", pixels(), size=(4, 3))
    change(path, old, new)
    with pytest.raises(BadFile, match=words):
        read(path)


def test_the_second_file(tmp_path):
    path = imzml(tmp_path / "a.imzML", pixels(), size=(4, 3))
    data = path.with_suffix(".ibd").read_bytes()
    path.with_suffix(".ibd").write_bytes(bytes(16) + data[16:])
    with pytest.raises(BadFile, match="identifiers differ"):
        read(path)
    path.with_suffix(".ibd").write_bytes(data[:-4])
    with pytest.raises(BadFile, match=r"inside the \.ibd"):
        read(path)
    path.with_suffix(".ibd").unlink()
    with pytest.raises(BadFile, match="not beside it"):
        read(path)


def test_two_spectra_at_one_place(tmp_path):
    path = imzml(tmp_path / "a.imzML", [((1, 1), (1.0,), (2,)), ((1, 1), (1.0,), (3,))])
    with pytest.raises(BadFile, match="same position"):
        read(path)


def test_masses_must_ascend(tmp_path):
    with pytest.raises(BadFile, match="ascend"):
        read(imzml(tmp_path / "a.imzML", [((1, 1), (2.0, 1.0), (2, 3))]))


def test_packed_bombs_are_not_unpacked(tmp_path):
    path = imzml(tmp_path / "a.imzML", [((1, 1), (1.0, 2.0), (2, 3))], packed=True)
    change(path, '"external array length" value="2"', '"external array length" value="60000000"', 2)
    with pytest.raises(BadFile, match=r"inside the \.ibd"):
        read(path)


@pytest.mark.realdata
def test_iontof_file(realdata, reader_child, measured):
    """Its README: 6 of 16 pixels; hand-made after real headers of SurfaceLab 7.5."""
    path = realdata / "sims" / "iontof_sparse.imzML"
    index = read_index(path)
    assert (index.continuous, index.polarity, index.size) == (False, "positive", (4, 4))
    (image,) = read_in_child(path)
    assert image.counts.shape == (4, 4, 30)
    assert np.count_nonzero(image.counts.sum(axis=2)) == 6
    # Read by hand from the .ibd: 64-bit floats after the 16 bytes of the identifier, 5 m/z and 5 intensities a pixel.
    numbers = np.frombuffer((realdata / "sims" / "iontof_sparse.ibd").read_bytes()[16:], "<f8").reshape(6, 2, 5)
    assert image.counts.sum() == numbers[:, 1].sum()
    np.testing.assert_array_equal(image.x, np.unique(numbers[:, 0]))
    assert dict(image.meta.extra)["pixels without a spectrum"] == "10 of 16, taken as zero counts"
    measured("imzML of SurfaceLab: pixels without a spectrum that are said so", 10, "of 16", "= 10")
