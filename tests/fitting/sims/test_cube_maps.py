"""Images of ions: sums over scans with their errors, slices of one scale, amounts of components as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.maps import Map
from fitting.image.place import Place, Roi
from fitting.sims.cube_maps import fits, flat_map, ion_maps, lateral, scan_words, slices_of
from libraries.errors import BadData, Cancelled


def cube(scans=7, rows=5, columns=6, seed=0):
    """Counts of three ions."""
    counts = np.random.default_rng(seed).poisson(4.0, (scans, rows, columns, 3)).astype(np.uint16)
    across = [Axis(np.arange(n) * 2.0 + 1.0, "distance", "µm") for n in (rows, columns)]
    axis = Axis(np.arange(3.0), "ion", "", ("total", "Na+", "Na2F+"), (0, 22.989, 64.977))
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(region="c", technique="sims"),
                    navigation=(Axis(np.arange(scans) * 8.0, "time", "s"), *across))


def test_images_are_sums_with_the_errors_of_counting():
    one = cube()
    image, both = ion_maps(one, [("Na+", (1,)), ("Na+ and Na2F+", (1, 2))], scans=(2, 4))
    np.testing.assert_array_equal(image.values, one.counts[2:5, ..., 1].sum(axis=0))
    np.testing.assert_allclose(image.error, np.sqrt(np.maximum(image.values, 1)))
    np.testing.assert_array_equal(both.values, one.counts[2:5, ..., 1:].sum(axis=(0, -1)))
    assert "scans 3–5" in image.origin.lower()
    assert image.data_hash == one.hash
    assert image.param("scale low") is None


def test_errors_cover_repetitions():
    """Pulls of images of repeated measurements have unit variance."""
    pulls = []
    for seed in range(30):
        image = ion_maps(cube(seed=seed), [("Na+", (1,))])[0]
        pulls.append((image.values - 28.0) / image.error)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.08)


def test_slices_have_one_scale_and_miss_nothing():
    one = cube()
    maps = ion_maps(one, [("Na+", (1,)), ("Na2F+", (2,))], 3)
    assert [m.name for m in maps[:3]] == ["Na+, 1–3", "Na+, 4–6", "Na+, scan 7"]
    assert len({m.id for m in maps}) == 6
    for part in (maps[:3], maps[3:]):
        assert len({(m.param("scale low"), m.param("scale high"), m.group) for m in part}) == 1
    np.testing.assert_array_equal(sum(m.values for m in maps[3:]), one.counts[..., 2].sum(axis=0))


def test_images_of_an_image_of_ions():
    whole = cube()
    image = whole.with_(counts=whole.counts[0], navigation=whole.navigation[1:])
    found = ion_maps(image, [("Na+", (1,))])[0]
    np.testing.assert_array_equal(found.values, whole.counts[0, ..., 1])
    assert found.group == "Ions"


def test_what_cannot_be_made_is_said():
    with pytest.raises(BadData, match="no scans 3 to 9"):
        ion_maps(cube(), [("Na+", (1,))], scans=(2, 8))
    with pytest.raises(BadData, match="no such ion"):
        ion_maps(cube(), [("K+", (9,))])
    profile = cube().with_(counts=np.ones((7, 3)), navigation=cube().navigation[:1])
    with pytest.raises(BadData, match="images and cubes"):
        ion_maps(profile, [("Na+", (1,))])
    with pytest.raises(Cancelled):
        ion_maps(cube(), [("Na+", (1,))], cancel=lambda: True)


def test_amounts_of_voxels_become_pictures():
    one = cube()
    amounts = np.random.default_rng(1).random((7, 5, 6))
    amounts[:, 0, 0] = np.nan
    made = Map("f1", "Salt", "counts", amounts, np.full((7, 5, 6), 0.5), kind="factor", origin="MCR")
    assert fits(made, one.navigation)
    flat = flat_map(made, (1, 4))
    assert flat.id == "f1"
    np.testing.assert_allclose(flat.values[1:], amounts[1:5, 1:].sum(axis=0))
    assert np.isnan(flat.values[0, 0])
    np.testing.assert_allclose(flat.error, 0.5 * 2.0)
    assert flat.origin == "MCR; scans 2–5 added up"
    assert flat_map(flat) is flat
    assert fits(flat, one.navigation)
    assert not fits(flat, one.navigation[:2])
    assert lateral(one.navigation) == one.navigation[1:]
    with pytest.raises(BadData, match="no scans"):
        flat_map(made, (1, 9))
    with pytest.raises(BadData, match="Classes"):
        flat_map(Map("c", "Classes", "", np.zeros((7, 5, 6)), legend=((0, "none"),), kind="classes"))


def test_words_and_slices():
    assert scan_words((0, 6), 7) == "all 7 scans"
    assert scan_words((3, 3), 7) == "scan 4"
    assert slices_of(7, 0) == ((0, 6),)
    assert slices_of(7, 2, (1, 5)) == ((1, 2), (3, 4), (5, 5))


@pytest.mark.parametrize("place", [
    Place(roi="a", outside=True), Place(roi="a", scans=(1, 3), outside=True), Place(roi="a"),
    Place((1, 2), scans=(0, 0)),
])
def test_places_outside_a_region_are_read_back(place):
    assert Place.parse(str(place)) == place


def test_a_region_and_its_outside_are_all_pixels():
    roi = Roi("a", "A", "ellipse", ((1.0, 1.0), (4.0, 4.0)))
    inside, outside = (Place(roi="a", outside=out).mask((5, 6), (roi,)) for out in (False, True))
    assert inside.any()
    np.testing.assert_array_equal(inside, ~outside)
    scans = Place(roi="a", scans=(2, 3), outside=True).mask((7, 5, 6), (roi,))
    np.testing.assert_array_equal(scans.any(axis=(1, 2)), [0, 0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(scans[2], outside)
    whole = Roi("w", "W", "rectangle", ((0.0, 0.0), (6.0, 5.0)))
    with pytest.raises(BadData, match="no pixel outside"):
        Place(roi="w", outside=True).mask((5, 6), (whole,))
