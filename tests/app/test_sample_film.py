"""The sample project of films: what the program finds against what was put in."""

import pytest

from app.project import layers
from app.samples import sample_project
from app.samples.film import FILMS
from fitting.simulate.film import Film, film_series
from libraries.errors import BadData


@pytest.fixture(scope="module")
def project():
    return sample_project("xps-angles", fitted=True)


def test_every_region_fits(project):
    chi = [fit.result.reduced_chi2 for entry in project.entries for fit in entry.fits]
    assert len(chi) == 35
    assert all(fit.result.success for entry in project.entries for fit in entry.fits)
    assert sum(chi) / len(chi) == pytest.approx(1.0, abs=0.05)


def test_the_overlayer_has_its_true_thickness(project, measured):
    sample = project.samples[0]
    found = layers.overlayer(project, sample.id).result
    measured("film of 15 Å: thickness found", found.thickness, "Å", "15 within 3 errors")
    assert found.thickness == pytest.approx(FILMS[0][1].thickness[0], abs=3 * found.error)
    assert found.error < 0.3


def test_the_structure_has_its_true_thicknesses(project):
    sample = project.samples[1]
    found = layers.structure(project, sample.id)
    for value, error, truth in zip(found.thickness, found.error, FILMS[1][1].thickness, strict=True):
        assert value == pytest.approx(truth, abs=3.5 * error)
        assert error < 0.1 * truth
    order = layers.depth_order(project, sample.id).names
    assert order.index("C 1s carbonate") < order.index("F 1s fluoride") < order.index("C 1s sp2")


def test_films_need_thicknesses():
    with pytest.raises(BadData, match="thickness"):
        Film(("NaF", "graphite"), (), ())


def test_noise_is_seeded():
    film = FILMS[0][1]
    first, again, other = (film_series(film, (0.0,), seed=s)[0].counts for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
