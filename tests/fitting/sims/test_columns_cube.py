"""Names of channels, places on cubes, profiles and images of cubes."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import content_hash
from fitting.image.place import ALL, Place, Roi
from fitting.processing.mass_scale import mass_scale_step
from fitting.recipe import Recipe
from fitting.sims import columns as columns_
from fitting.sims.cube import image_of, profile_of, volume_of
from fitting.sims.kinds import kind_of
from libraries.errors import BadData, UnknownName

LABELS = ("total", "Na+", "Na_2F+", "Na_2F+", "^206PbI-, ^207PbI-PbI-", "I+ / ( Pb+ )")


def _cube(counts: np.ndarray) -> Spectrum:
    scans, rows, wide, n = counts.shape
    lateral = [Axis(np.arange(size, dtype=float), "distance", "µm") for size in (rows, wide)]
    axis = Axis(np.arange(float(n)), "ion", "", tuple(f"C_{i + 1}-" for i in range(n)))
    time = Axis(np.arange(1.0, scans + 1), "time", "s")
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(technique="sims"),
                    navigation=(time, *lateral), scales=(Axis(time.values * 2.0, "dose", "ions"),))  # fmt: skip


def test_axes_without_names_keep_their_hash() -> None:
    """Files of older versions name their content by hashes that know of no labels."""
    plain = Axis(np.arange(3.0), "energy_loss")
    assert content_hash(plain) != content_hash(Axis(np.arange(3.0), "energy_loss", labels=("a", "b", "c")))
    assert content_hash(plain) == content_hash(Axis(np.arange(3.0), "energy_loss", labels=(), masses=()))


def test_names_follow_their_channels() -> None:
    """Windows and parts keep names and masses."""
    axis = Axis(np.arange(4.0), "ion", "", ("a", "b", "b", "d"), (1.0, 0.0, 2.0, 3.0))
    spectrum = Spectrum(axis, np.arange(8.0).reshape(2, 4), navigation=(Axis(np.arange(2.0), "time", "s"),))
    part = spectrum.window(1, 2)
    assert part.axis.labels == ("b", "b")
    assert part.axis.masses == (0.0, 2.0)
    assert columns_.only(spectrum, (3, 0)).axis.labels == ("a", "d")
    with pytest.raises(BadData, match="one name"):
        Axis(np.arange(2.0), "ion", "", ("a",))


def test_kinds_of_columns() -> None:
    """Sums, ratios, the total and doubles are no data of their own."""
    axis = Axis(np.arange(6.0), "ion", "", LABELS, (0.0, 22.99, 64.98, 64.98, 0.0, 0.0))
    kinds = [(column.label.kind, column.double) for column in columns_.columns(axis)]
    assert kinds == [("total", -1), ("single", -1), ("single", -1), ("single", 2), ("sum", -1), ("ratio", -1)]
    assert columns_.counted(axis) == (1, 2)
    assert columns_.place_of(axis, "Na_2F+") == 2
    with pytest.raises(UnknownName, match=r"no ion 'K\+'"):
        columns_.place_of(axis, "K+")


def test_profiles_and_images_of_a_cube_add_up_its_counts() -> None:
    """Against sums by hand; a region and its complement make the whole."""
    counts = np.random.default_rng(1).integers(0, 5, (4, 5, 6, 3)).astype(np.uint8)
    cube = _cube(counts)
    mask = Roi("a", "a", "rectangle", ((1.0, 1.0), (4.0, 3.0))).mask((5, 6))
    inside, outside = profile_of(cube, mask), profile_of(cube, ~mask)
    assert np.array_equal(inside.y, counts[:, mask].sum(axis=1))
    assert np.array_equal(inside.y + outside.y, profile_of(cube).y)
    assert inside.scales[0].quantity == "dose"
    assert kind_of(inside) == "profile"
    assert kind_of(cube) == "cube"
    assert np.array_equal(image_of(cube, [0, 2], (1, 2)), counts[1:3][..., [0, 2]].sum(axis=(0, 3)))
    assert np.array_equal(volume_of(cube, [1]), counts[..., 1])
    with pytest.raises(BadData, match="no pixel"):
        profile_of(cube, np.zeros((5, 6), bool))


def test_places_of_a_cube() -> None:
    """A pixel or a shape in every scan, or in some of them; written and read again."""
    roi = Roi("r", "r", "ellipse", ((0.0, 0.0), (3.0, 3.0)))
    place = Place(roi="r", scans=(1, 2))
    assert Place.parse(str(place)) == place
    assert Place.parse("all@0-3") == Place(scans=(0, 3))
    mask = place.mask((4, 5, 6), (roi,))
    assert not mask[0].any()
    assert not mask[3].any()
    assert np.array_equal(mask[1], roi.mask((5, 6)))
    assert Place((2, 3)).mask((4, 5, 6)).sum() == 4
    assert ALL.mask((4, 5, 6)).all()
    with pytest.raises(BadData, match="no scans"):
        Place(scans=(3, 4)).mask((4, 5, 6))


def test_mass_scale() -> None:
    """Channels become m/z by t = SF sqrt(m) + K0; channels before K0 are left out."""
    channels = np.arange(0.0, 1000.0, 10.0)
    raw = Spectrum(Axis(channels, "channel", ""), np.arange(100), meta=Meta(technique="sims"))
    done = Recipe((mass_scale_step(100.0, 55.0),)).apply(raw)
    assert done.axis.quantity == "mass"
    assert len(done.axis) == 94
    assert done.x[0] == pytest.approx(((60.0 - 55.0) / 100.0) ** 2, abs=1e-15)
    with pytest.raises(BadData, match="before m/z 0"):
        Recipe((mass_scale_step(100.0, 5000.0),)).apply(raw)
