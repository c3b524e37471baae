"""Traces of profiles: what is written is read, normalisations, errors with correlations, by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.channel_terms import channel_names, read_term, term_words
from fitting.sims.ion_groups import ions_of
from fitting.sims.ion_names import alternatives, polarity_of, usual_alternatives, words_of
from fitting.sims.setup import ProfileLook
from fitting.sims.traces import along, axes_of, choice, moving_mean, share_of_total, traces
from libraries.errors import BadData, UnknownName
from libraries.ions import parse_ion

LABELS = ("total", "Na_2F-", "Cl-", "^37Cl-", "C_2-", "^37Cl-Cl-", "Cl-", "PF_6-")
MASSES = (0.0, 64.978, 34.969, 36.966, 24.0, 0.0, 34.969, 144.964)


def profile(counts: np.ndarray, labels: tuple[str, ...] = LABELS, masses: tuple[float, ...] = MASSES) -> Spectrum:
    n = len(counts)
    time = np.arange(1.0, n + 1) * 2
    return Spectrum(Axis(np.arange(float(len(labels))), "ion", "", labels, masses), counts, Noise("poisson", 1.0),
                    Meta(title="p", technique="sims"), navigation=(Axis(time, "time", "s"),),
                    scales=(Axis(time * 1e9, "dose", "ions"), Axis(time * 4e11, "fluence", "ions/cm²")))


def drawn_counts(rng: np.random.Generator, points: int, rates=(30.0, 200.0, 60.0, 150.0, 0.4)) -> np.ndarray:
    """Columns of `LABELS` from independent counts of Na2F, Cl, 37Cl, C2, PF6 and of ions without a column."""
    na, cl, cl37, c2, pf = (rng.poisson(rate, points).astype(float) for rate in rates)
    rest = rng.poisson(100.0, points)
    total = na + cl + cl37 + c2 + pf + rest
    return np.stack([total, na, cl, cl37, c2, cl37 + cl, cl, pf], axis=1)


def test_terms_are_read_and_refused():
    axis = profile(drawn_counts(np.random.default_rng(0), 5)).axis
    assert channel_names(axis)[6] == "Cl- #2"
    assert read_term(axis, "Na2F-").upper == (1,)  # a formula finds the file's spelling
    assert read_term(axis, "Cl- #2").upper == (6,)
    assert read_term(axis, "Na_2F- + C_2-").upper == (1, 4)
    ratio = read_term(axis, "Na_2F- / ( Cl- + C_2- )")
    assert (ratio.upper, ratio.lower, ratio.ratio) == ((1,), (2, 4), True)
    assert read_term(axis, "^37Cl-Cl- / ( total )").upper == (5,)
    # IUPAC abundances of chlorine, 0.7576 and 0.2424 (tables/isotopes.csv).
    assert read_term(axis, "Cl- from ^37Cl-").factor == pytest.approx(0.7576 / 0.2424, rel=2e-3)
    for bad in ("K+", "Na_2F- / Cl- / C_2-", "Cl- + ^37Cl-Cl-", "Cl- + Cl- #2", "Cl- + total", "Cl- from C_2-"):
        with pytest.raises((UnknownName, BadData)):
            read_term(axis, bad)


def test_words_carry_what_the_resolution_leaves():
    assert words_of("PF_6-") == "PF₆⁻ or Na₃F₄⁻"
    assert words_of("Na_3F_2+") == "Na₃F₂⁺ or Na₂HCO₃⁺"
    assert words_of("Na_3F_2+", 20_000.0) == "Na₃F₂⁺"
    assert words_of("total") == "Total"
    assert words_of("^206PbI-, ^207PbI-PbI-") == "Σ PbI⁻ (3 isotopes)"
    assert words_of("I+ / ( Pb+ )") == "I⁺ / Pb⁺"
    assert words_of("unknown 43.02") == "unknown 43.02"
    axis = profile(drawn_counts(np.random.default_rng(0), 5)).axis
    assert term_words(axis, "PF_6- / ( Cl- #2 )") == "PF₆⁻ or Na₃F₄⁻ / Cl⁻, no. 2"
    # VO2- beside ClO3-: needs 4186 (design notes), so 3000 does not separate them and 6000 does.
    assert parse_ion("ClO3-") in usual_alternatives(parse_ion("VO2-"), 3000.0)
    assert parse_ion("ClO3-") not in [one.ion for one in alternatives(parse_ion("VO2-"))]
    assert polarity_of(("total", "Na+")) == "positive"
    assert polarity_of(("Na+", "Cl-")) == "mixed"


@pytest.mark.parametrize(("ion", "normal"), [
    ("Cl-", "total"), ("Cl-", "sum"), ("^37Cl-Cl-", "total"), ("C_2-", "ion"), ("^37Cl-", "ion"), ("Cl- / C_2-", ""),
    ("Cl- / ^37Cl-Cl-", ""), ("^37Cl-Cl-", "sum"), ("total", "sum"), ("Na_2F- + C_2-", "total"),
    ("Cl- from ^37Cl-", ""),
])  # fmt: skip
def test_errors_are_those_of_repeated_measurements(ion, normal):
    """Pulls of 4000 simulated points about the true value have unit width: correlations are taken in."""
    data = profile(drawn_counts(np.random.default_rng(3), 4000))
    look = ProfileLook(ions=(ion,), normal=normal, reference="^37Cl-Cl-" if normal == "ion" else "")
    trace = traces(data, look)[0]
    truth = np.median(trace.y)
    width = np.std((trace.y - np.mean(trace.y)) / trace.error)
    assert width == pytest.approx(1.0, abs=0.06)
    assert np.isfinite(truth)


def test_an_ion_over_itself_has_no_error_and_zeros_are_gaps():
    data = profile(drawn_counts(np.random.default_rng(1), 300))
    same = traces(data, ProfileLook(ions=("Cl-",), normal="ion", reference="Cl-"))[0]
    assert np.all(same.y == 1.0)
    assert np.all(same.error == 0.0)
    ratio = traces(data, ProfileLook(ions=("Cl- / PF_6-",)))[0]
    zero = data.y[:, 7] == 0
    assert zero.any()
    assert np.isnan(ratio.y[zero]).all()
    assert np.isfinite(ratio.y[~zero]).all()
    assert ratio.ratio
    assert ratio.unit == ""


def test_fluence_maximum_and_unknown_noise():
    data = profile(drawn_counts(np.random.default_rng(1), 50))
    dose = traces(data, ProfileLook(ions=("C_2-",), normal="fluence"))[0]
    assert np.allclose(dose.y, data.y[:, 4] / 0.8)  # 2 s x 4e11 ions/cm² each
    assert dose.unit == "counts per 10¹² ions/cm²"
    top = traces(data, ProfileLook(ions=("C_2-",), normal="maximum"))[0]
    assert top.y.max() == 1.0
    blind = data.with_(noise=Noise())
    assert np.isnan(traces(blind, ProfileLook(ions=("C_2-",)))[0].error).all()
    with pytest.raises(BadData, match="reference"):
        traces(data, ProfileLook(normal="ion"))
    alone = data.with_(scales=())
    with pytest.raises(BadData, match="fluence"):
        traces(alone, ProfileLook(normal="fluence"))
    bare = profile(np.ones((4, 2)), ("C_2-", "F-"), (24.0, 19.0))
    with pytest.raises(BadData, match="total"):
        traces(bare, ProfileLook(normal="total"))


def test_axes():
    data = profile(drawn_counts(np.random.default_rng(1), 6))
    assert tuple(axes_of(data)) == ("time", "dose", "fluence", "scan")
    assert along(data).label == "Sputter time (s)"
    assert along(data, "scan").values[-1] == 6
    assert along(data, "depth", np.arange(6.0)).unit == "nm"
    with pytest.raises(BadData, match="Depth page"):
        along(data, "depth")


def test_choice_sum_and_mean():
    points = 80
    step = np.linspace(0, 1, points) > 0.5
    counts = np.random.default_rng(2).poisson(np.stack(
        [1000.0 * step, 900.0 * step, 500.0 * ~step, np.full(points, 0.05)], axis=1)).astype(float)
    data = profile(counts, ("C_2-", "C_3-", "F-", "AlO-"), (24.0, 36.0, 19.0, 42.977))
    chosen = choice(data, 2)
    assert "F-" in chosen
    assert len(chosen) == 2
    assert "AlO-" not in choice(data)
    full = profile(drawn_counts(np.random.default_rng(5), 200))
    share, error = share_of_total(full)
    assert share == pytest.approx(440.4 / 540.4, abs=4 * error)
    assert error == pytest.approx(np.sqrt(share * (1 - share) / full.y[:, 0].sum()))
    assert share_of_total(data) is None
    y = np.array([1.0, 2.0, np.nan, 4.0, 9.0])
    assert np.allclose(moving_mean(y, 3), [1.5, 1.5, np.nan, 6.5, 6.5], equal_nan=True)
    assert moving_mean(y, 0) is y


def test_groups_of_ions():
    labels = ("C_2H-", "ClO-", "NaO-", "NaF_2-", "C_2-", "CHO_2-", "OH-", "Cl-", "VO_2-")
    axis = Axis(np.arange(9.0), "ion", "", labels)
    assert ions_of(axis, "organic") == ("C_2H-", "CHO_2-")
    assert ions_of(axis, "chlorine oxides") == ("ClO-",)
    assert ions_of(axis, "oxide and hydroxide") == ("NaO-", "OH-")
    assert ions_of(axis, "halide salts") == ("NaF_2-", "Cl-")
    assert ions_of(axis, "carbon (bulk)") == ("C_2-",)


@pytest.mark.parametrize(("first", "step"), [(9e10, 4e12), (4e12, 4e12), (9e13, 4e12)])
def test_the_first_point_has_a_fluence_like_the_others(first, step):
    """Of two beams the first point has seen one (measured profiles: 1/30 to 1/170 of a step); or points were cut."""
    points = 20
    axis = Axis(np.arange(2.0), "ion", "", ("Na+", "K+"))
    fluence = Axis(first + step * np.arange(points), "fluence", "ions/cm²")
    data = Spectrum(axis, np.full((points, 2), 1e4), Noise("poisson", 1.0), Meta(title="p", technique="sims"),
                    navigation=(Axis(np.arange(1.0, points + 1), "time", "s"),), scales=(fluence,))
    (found,) = traces(data, ProfileLook(ions=("Na+",), normal="fluence"))
    np.testing.assert_allclose(found.y, 1e4 / (step / 1e12))
