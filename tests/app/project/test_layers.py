"""Layers of a sample of a project, against a simulated film of known thickness."""

from dataclasses import replace

import pytest

from app.project import layers, store
from app.project.project import Layering
from fitting.xps.layers import StackLayer, thickness
from libraries.errors import BadData, NotDetermined
from tests.app.project import layered


def supposed(project, **changes):
    settings = replace(
        Layering("C 1s carbonate", "C 1s sp2", "Na2CO3", "graphite"), **changes
    )
    return project.with_sample(replace(project.sample("s"), layering=settings))


def test_the_film_is_found_at_every_angle():
    found = layers.overlayer(supposed(layered.series(12.0, noisy=False)), "s")
    assert found.result.each == pytest.approx((12.0,) * 4, rel=2e-3)
    assert found.result.thickness == pytest.approx(12.0, rel=2e-3)
    assert found.pure_source == "densities and TPP-2M"
    assert set(found.origins) == {"series"}


@pytest.mark.parametrize("depth", [4.0, 25.0])
def test_noise_is_covered(depth):
    misses = 0
    for seed in range(6):
        found = layers.overlayer(supposed(layered.series(depth, (0.0, 45.0), 2e4, seed)), "s").result
        misses += not found.low <= depth <= found.high
        assert found.error < 0.2 * depth
    assert misses <= 1


def test_elements_and_energies_far_apart():
    project = supposed(layered.series(12.0, (0.0, 40.0), noisy=False), overlayer="Na")
    found = layers.overlayer(project, "s")
    assert found.pairs[0].overlayer_imfp < 0.6 * found.pairs[0].substrate_imfp
    assert found.result.thickness == pytest.approx(12.0, rel=3e-3)


def test_order_in_depth():
    order = layers.depth_order(layered.series(12.0), "s")
    assert order.names[-1] == "C 1s sp2"
    assert order.angles == (60.0, 0.0)


def test_the_structure_is_fitted():
    stack = (
        StackLayer("Na2CO3", ("C 1s carbonate", "Na", "O")), StackLayer("graphite", ("C 1s sp2",)),
    )
    found = layers.structure(supposed(layered.series(12.0), stack=stack), "s")
    assert found.thickness[0] == pytest.approx(12.0, abs=4 * found.error[0])
    assert found.error[0] < 0.5
    assert found.amounts["O"][0] == pytest.approx(0.5, abs=0.02)


def test_one_angle_of_the_file_or_of_the_user():
    project = supposed(layered.series(9.0, (30.0,), noisy=False, recorded=True))
    found = layers.overlayer(project, "s")
    assert found.origins == ("file",)
    assert found.result.thickness == pytest.approx(9.0, rel=3e-3)
    bare = project
    for entry in project.entries:
        meta = replace(entry.spectrum.meta, emission_angle=None)
        bare = bare.with_entry(replace(entry, spectrum=replace(entry.spectrum, meta=meta)))
    with pytest.raises(NotDetermined, match="emission angle is not recorded"):
        layers.levels(bare, "s")
    given = supposed(bare, emission_angle=30.0)
    assert layers.overlayer(given, "s").origins == ("given",)


def test_what_is_missing_is_said():
    project = layered.series(9.0, (0.0,), noisy=False)
    with pytest.raises(BadData, match="Choose a line of the overlayer"):
        layers.overlayer(project, "s")
    with pytest.raises(BadData, match="not in the composition"):
        layers.overlayer(supposed(project, overlayer="Xe"), "s")
    with pytest.raises(BadData, match="holds no Na"):
        layers.overlayer(supposed(project, overlayer="Na", overlayer_material="graphite"), "s")
    with pytest.raises(NotDetermined, match="two emission angles"):
        layers.depth_order(project, "s")
    with pytest.raises(BadData, match="at least one layer"):
        layers.structure(project, "s")


def test_settings_are_kept_in_the_project_file(tmp_path):
    project = supposed(
        layered.series(9.0, (0.0,), noisy=False), pure_ratio=2.5, emission_angle=10.0,
        stack=(StackLayer("Na2CO3", ("Na",)), StackLayer("graphite", ("C 1s sp2",))),
    )
    store.save(project, tmp_path / "p.sodalite")
    assert store.load(tmp_path / "p.sodalite").equals(project)


def test_an_error_that_is_not_determined_is_no_error_of_zero():
    project = supposed(layered.series(12.0, (0.0,), noisy=False))
    (level,) = layers.levels(project, "s")
    unknown = replace(level.composition, covariance=level.composition.covariance * float("nan"))
    pair, _ = layers.pair_at(replace(level, composition=unknown), project.sample("s").layering)
    assert pair.ratio_err != pair.ratio_err
    with pytest.raises(NotDetermined, match="error"):
        thickness(pair)


def test_a_series_of_rotations_is_no_series_of_emission_angles():
    project = supposed(layered.series(12.0, noisy=False))
    turned = project.map_entries(lambda e: replace(e, variable="rotation angle"))
    with pytest.raises(NotDetermined, match="emission angle"):
        layers.levels(turned, "s")
