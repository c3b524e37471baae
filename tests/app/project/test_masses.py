"""Mass spectra in a project: scale, peaks, names, dead time; all as frozen steps that are saved."""

import numpy as np
import pytest

from app.files.peak_list import read_peaks, write_peaks
from app.project import dead_time, mass_calibration, masses, store
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.lines import Line
from fitting.sims.setup import MassPeak
from libraries.errors import BadData, NotDetermined
from libraries.ions import parse_ion
from tests.fitting.sims.mass_spectra import expected, of_ions

SLOPE, OFFSET, CHANNELS = 9000.0, 250.0, 118_000
IONS = [("Na2OH+", 60_000.0), ("Na2F+", 40_000.0), ("Na2CO3+", 20_000.0), ("Na3O+", 9_000.0), ("C3H5+", 15_000.0),
        ("Na4F3+", 6_000.0), ("Na3F2+", 5_000.0), ("Na2HCO3+", 5_000.0)]  # fmt: skip


def channel_of(ion):
    return SLOPE * np.sqrt(parse_ion(ion).mz) + OFFSET


def spectrum(extra=(("polarity", "positive"), ("dead time", "not corrected"))):
    """Gaussian lines of ions with their isotopes on channels, Poisson counts, always the same."""
    mean = np.full(CHANNELS, 0.02)
    flight = np.arange(CHANNELS) - OFFSET
    mz = (np.maximum(flight, 0.0) / SLOPE) ** 2
    lines = expected(mz[int(OFFSET):], SLOPE, of_ions(IONS), resolution=6500.0, background=0.0)
    mean[int(OFFSET):] += lines
    counts = np.random.default_rng(5).poisson(mean)
    return Spectrum(Axis(np.arange(float(CHANNELS)), "channel", ""), counts, Noise("poisson", 1.0),
                    Meta(title="Toy", region="Toy", technique="sims", sample="S", extra=extra))


@pytest.fixture(scope="module")
def raw():
    return add_spectra(Project(), [spectrum()])


def view(project):
    entry = project.entries[0]
    return masses.view_of(entry, entry.single())


def clicked(project, ions=("Na2OH+", "Na2F+", "Na2CO3+")):
    for ion in ions:
        pick = mass_calibration.line_near(view(project), channel_of(ion) + 4, 15.0)
        project = mass_calibration.with_calibrant(project, project.entries[0].id, ion, pick.channel)
    return project


@pytest.fixture(scope="module")
def scaled(raw):
    project = clicked(raw)
    law = mass_calibration.calibration_of(project.entries[0], view(project))
    return mass_calibration.apply_scale(project, project.entries[0].id, law)


def test_clicked_lines_give_the_law(scaled, measured):
    step = masses.scale_step(scaled.entries[0])
    worst = max(abs(((channel_of(ion) - step.number("offset")) / step.number("slope")) ** 2 / parse_ion(ion).mz - 1)
                for ion in ("C3H5+", "Na2OH+", "Na4F3+")) * 1e6
    measured("mass scale from three clicked sodium clusters, worst of m/z 41 to 149", worst, "ppm", "<= 10")
    assert worst < 10
    assert "Na2CO3+" in step.note
    found = mass_calibration.calibration_of(scaled.entries[0], view(scaled))
    assert np.all(np.abs(found.residuals_ppm) < 5)
    assert np.all(np.isfinite(found.covariance))


def test_a_law_that_cannot_be_right_is_objected_to(raw, scaled):
    def objection(project):
        law = mass_calibration.calibration_of(project.entries[0], view(project))
        return mass_calibration.objection(law, view(project))

    assert "two lines" in objection(raw)
    one = mass_calibration.with_calibrant(raw, raw.entries[0].id, "Na2OH+", channel_of("Na2OH+"))
    assert "two lines" in objection(one)
    two = mass_calibration.with_calibrant(one, raw.entries[0].id, "Na2F+", channel_of("Na2F+"))
    assert objection(two) == ""
    # The line of Na4F3+ (m/z 149) taken for Na2CO3+ (106): no law holds for all three within a mass unit.
    wrong = mass_calibration.with_calibrant(two, raw.entries[0].id, "Na2CO3+", channel_of("Na4F3+"))
    assert "check which ion belongs to which line" in objection(wrong)
    assert objection(scaled) == mass_calibration.PRESENT


def test_a_scale_replaces_the_one_before_and_moves_the_peaks(scaled):
    entry = scaled.entries[0]
    with_peaks = masses.with_peaks(scaled, entry.id, masses.find_peaks(entry, view(scaled)))
    calibrants = (*entry.masses.calibrants, ("Na4F3+", mass_calibration.line_near(view(scaled), 148.954, 0.02).channel))
    again = masses.with_setup(with_peaks, entry.id, calibrants=calibrants)
    law = mass_calibration.calibration_of(again.entries[0], view(again))
    done = mass_calibration.apply_scale(again, entry.id, law)
    assert [step.kind for step in done.entries[0].recipe.steps] == ["mass_scale"]
    before, after = with_peaks.entries[0].masses.peaks, done.entries[0].masses.peaks
    old = [one.counts for one in masses.measured(with_peaks.entries[0], view(with_peaks))]
    new = [one.counts for one in masses.measured(done.entries[0], view(done))]
    assert old == new  # the same channels
    assert any(one.mass != two.mass for one, two in zip(before, after, strict=True))


def test_calibrants_are_looked_for_near_the_present_scale(scaled):
    found, missing = mass_calibration.find_calibrants(view(scaled), ("Na2OH+", "Na4F3+", "Na3CO3+"))
    assert [ion for ion, _ in found] == ["Na2OH+", "Na4F3+"]
    assert missing == ("Na3CO3+",)
    assert found[1][1] == pytest.approx(channel_of("Na4F3+"), abs=0.5)


def test_lines_that_another_ion_moves_are_named(scaled):
    # At m/dm 6500 Na2ClO3+ (6164 needed) stands on the flank of Na3CO3+; nothing is near Na2OH+ or Na4F3+.
    assert mass_calibration.shared_lines(view(scaled), ("Na2OH+", "Na4F3+", "Na3CO3+")) == {"Na3CO3+": "Na2ClO3+"}


def test_without_a_scale_nothing_is_looked_for(raw):
    with pytest.raises(NotDetermined, match="no mass scale"):
        mass_calibration.find_calibrants(view(raw), ("Na2OH+",))
    with pytest.raises(NotDetermined, match="no mass scale"):
        masses.find_peaks(raw.entries[0], view(raw))


def test_calibrants_of_the_other_polarity_are_refused(raw):
    project = clicked(raw, ("Na2OH+",))
    with pytest.raises(BadData, match="mixed"):
        mass_calibration.with_calibrant(project, project.entries[0].id, "Cl-", 5000.0)
    with pytest.raises(BadData, match="spectrum of positive ions"):
        mass_calibration.with_calibrant(raw, raw.entries[0].id, "Cl-", 5000.0)


def test_peaks_are_found_named_renamed_and_saved(scaled, tmp_path):
    entry = scaled.entries[0]
    project = masses.with_peaks(scaled, entry.id, masses.find_peaks(entry, view(scaled)))
    names = [one.name for one in project.entries[0].masses.peaks]
    for ion in ("Na2OH+", "Na2F+", "Na2CO3+", "Na3O+", "C3H5+", "Na4F3+"):
        assert ion in names
    number = next(i for i, one in enumerate(project.entries[0].masses.peaks) if abs(one.mass - 106.968) < 0.01)
    peak = project.entries[0].masses.peaks[number]
    assert {peak.name, *peak.alternatives} == {"Na3F2+", "Na2HCO3+"}
    other = peak.alternatives[0]
    renamed = masses.renamed(project, entry.id, view(project), number, other)
    changed = renamed.entries[0].masses.peaks[number]
    assert (changed.name, changed.alternatives) == (other, (peak.name,))
    free = masses.renamed(project, entry.id, view(project), number, "my line")
    assert free.entries[0].masses.peaks[number].alternatives == ()
    with pytest.raises(BadData, match="positive"):
        masses.renamed(project, entry.id, view(project), number, "Cl-")
    store.save(renamed, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(renamed)
    write_peaks(tmp_path / "peaks.csv", renamed.entries[0].masses.peaks)
    back = masses.listed(renamed.entries[0], view(renamed), read_peaks(tmp_path / "peaks.csv"))
    assert [(one.name, one.alternatives) for one in back] == [
        (one.name, one.alternatives) for one in renamed.entries[0].masses.peaks]


def test_lists_of_the_other_polarity_or_of_other_masses_are_refused(scaled, raw):
    entry = scaled.entries[0]
    with pytest.raises(BadData, match="spectrum of positive ions"):
        masses.listed(entry, view(scaled), [MassPeak("Cl-", 34.969, 34.9, 35.1)])
    with pytest.raises(BadData, match="within the spectrum"):
        masses.listed(entry, view(scaled), [MassPeak("far", 5000.0, 4999.0, 5001.0)])
    with pytest.raises(NotDetermined, match="no mass scale"):
        masses.listed(raw.entries[0], view(raw), [MassPeak("Na2F+", 64.977, 64.9, 65.1)])


def test_images_of_peaks_keep_all_names():
    counts = np.random.default_rng(0).poisson(3.0, (3, 4, 40))
    axes = tuple(Axis(np.arange(float(n)), "distance", "µm") for n in (3, 4))
    image = Spectrum(Axis(np.linspace(144.5, 145.5, 40), "mass", ""), counts, Noise("poisson", 1.0),
                     Meta(title="I", region="I", technique="sims", extra=(("polarity", "negative"),)), navigation=axes)
    project = add_spectra(Project(), [image])
    with pytest.raises(BadData, match="need peaks"):
        masses.images_of(project.entries[0])
    peaks = [MassPeak("PF6-", 144.9647, 144.9, 145.05, ("Na3F4-",)), MassPeak("", 145.3, 145.2, 145.4)]
    project = masses.with_peaks(project, project.entries[0].id, peaks)
    done = masses.with_images(project, project.entries[0].id, masses.images_of(project.entries[0]))
    made = done.entries[1]
    assert made.spectrum.axis.labels[0] == "PF6- or Na3F4-"
    inside = (image.x >= 144.9) & (image.x <= 145.05)
    np.testing.assert_array_equal(made.spectrum.counts[..., 0], counts[..., inside].sum(axis=-1))
    assert masses.polarity_of(made) == "negative"


def test_peaks_by_hand(scaled):
    entry = scaled.entries[0]
    project, peak = masses.add_peak(scaled, entry.id, view(scaled), 62.985, 0.02)
    assert peak.name == "Na2OH+"
    with pytest.raises(BadData, match="already"):
        masses.add_peak(project, entry.id, view(project), 62.985, 0.02)
    wider = masses.with_limits(project, entry.id, 0, 62.9, 63.1)
    assert wider.entries[0].masses.peaks[0].high == 63.1
    with pytest.raises(BadData, match="ascend"):
        masses.with_limits(project, entry.id, 0, 63.1, 62.9)


def test_polarity_is_never_guessed():
    project = add_spectra(Project(), [spectrum(())])
    entry = project.entries[0]
    assert masses.polarity_of(entry) is None
    said = masses.with_setup(project, entry.id, polarity="positive")
    assert masses.polarity_of(said.entries[0]) == "positive"
    assert masses.polarity_of(clicked(project, ("Na2F+",)).entries[0]) == "positive"


def test_dead_time_comes_first_and_is_refused_where_it_was_done(scaled):
    entry = scaled.entries[0]
    assert dead_time.may_correct(entry) == ""
    project = dead_time.correct(scaled, entry.id, 5e6, 20)
    assert [step.kind for step in project.entries[0].recipe.steps] == ["dead_time", "mass_scale"]
    assert project.entries[0].processed().y.sum() > scaled.entries[0].processed().y.sum()
    assert dead_time.uncorrected(project, entry.id).entries[0].recipe == entry.recipe
    done = add_spectra(Project(), [spectrum((("dead time", "corrected by the file"),))])
    with pytest.raises(BadData, match="already"):
        dead_time.correct(done, done.entries[0].id, 5e6, 20)


def test_lines_too_strong_are_flagged_only_with_pulses(scaled):
    entry = scaled.entries[0]

    def line(counts):
        return Line(63.0, 0.1, 62.9, 63.1, counts, 1.0, 0.0, 0.0)

    lines = (line(100.0), line(400_000.0), line(999_950.0), None)
    assert dead_time.strength(entry, lines) == ("", "", "", "")
    told = masses.with_setup(scaled, entry.id, pulses=1e6).entries[0]
    words = dead_time.strength(told, lines)
    assert words[0] == words[3] == ""
    # 0.4 of the pulses counted: lambda = -ln 0.6 = 0.511, so that 1 - 0.4/0.511 = 22 % are lost.
    assert "22 %" in words[1]
    assert words[2] == "saturated"
    corrected = dead_time.correct(scaled, entry.id, 1e6, 20).entries[0]
    # ln(1e6/100) = 9.2 ions a pulse
    assert dead_time.strength(corrected, (line(9.1e6), line(9.3e6))) == ("", "saturated")


def test_suggestions_widen_the_bracket(scaled):
    entry = scaled.entries[0]
    project = masses.with_peaks(scaled, entry.id, masses.find_peaks(entry, view(scaled)))
    now = project.entries[0]
    law = mass_calibration.calibration_of(now, view(project))
    lines = [one for one in masses.measured(now, view(project)) if one is not None]
    found = mass_calibration.suggestions(now, view(project), law, lines, 150.0)
    assert found
    assert all(one.calibrant.ion.text not in ("Na2OH+", "Na2F+", "Na2CO3+") for one in found)
    assert found[0].calibrant.ion.text == "Na4F3+"


def test_file_without_channels_is_calibrated_on_its_roots():
    """m/z of the file is 300 ppm too high; calibrants take that away."""
    data = spectrum()
    first = int(OFFSET) + 500
    mass = ((data.x[first:] - OFFSET) / SLOPE) ** 2 * (1 + 300e-6)
    project = add_spectra(Project(), [data.with_(axis=Axis(mass, "mass", ""), counts=data.counts[first:])])
    entry = project.entries[0]
    assert view(project).law is None
    found, _ = mass_calibration.find_calibrants(view(project), ("Na2OH+", "Na2CO3+", "Na4F3+"))
    for ion, place in found:
        project = mass_calibration.with_calibrant(project, entry.id, ion, place)
    law = mass_calibration.calibration_of(project.entries[0], view(project))
    project = mass_calibration.apply_scale(project, entry.id, law)
    again, _ = mass_calibration.find_calibrants(view(project), ("Na3O+",))
    assert float(view(project).law.mz(again[0][1])) == pytest.approx(parse_ion("Na3O+").mz, rel=8e-6)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["spectrum_pos", "spectrum_neg"])
def test_measured_spectra_open_with_their_law(realdata, name, measured):
    from app.files import read

    project = add_spectra(Project(), read(realdata / f"sims/{name}.txt"))
    columns = np.loadtxt(realdata / f"sims/{name}.txt", skiprows=3, usecols=(0, 1)).T
    x = project.entries[0].processed().x
    off = float(np.max(np.abs(columns[1][-x.size:] - x)))
    measured(f"channel to m/z law of {name}.txt against its m/z column", off, "u", "<= 1e-6")
    assert off <= 1e-6
    assert masses.polarity_of(project.entries[0]) is None  # the file does not say
    assert "already" in dead_time.may_correct(project.entries[0])
