"""`sodalite fit --intervals`, `--calibrate` and `--bootstrap`."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from app.__main__ import main
from app.cli import intervals
from app.project import store
from fitting import guess
from fitting.profile import Profiles
from libraries.errors import NotDetermined
from tests.app.test_bad_days import model_file, spectrum, vamas  # noqa: F401 - a fixture


@pytest.fixture
def arguments(vamas, tmp_path):  # noqa: F811 - the fixture
    model = guess.add_peak(spectrum(), guess.new_model(spectrum(), 281.0, 291.0, "linear_active"), 285.0)
    path = model_file(tmp_path, model)
    return ["fit", str(vamas), "--model", str(path), "-o", str(tmp_path / "a.sodalite")]


def answer(arguments, capsys, status=0):
    assert main([*arguments, "--json"]) == status
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_intervals_are_printed(arguments, capsys):
    found, err = answer([*arguments, "--intervals"], capsys)
    (low, high), (lower, higher) = found["intervals"]["p1.area"]
    area = found["components"][0]
    assert lower < low < area["area"] < high < higher
    # The model misses the tails of this peak: the table's error is enlarged for that, intervals are not.
    assert found["reduced_chi2"] > 2
    assert (high - low) / 2 == pytest.approx(area["area_err"] / found["reduced_chi2"] ** 0.5, rel=0.1)
    assert "do not count what the model misses" in err
    assert found["interval_ends"]["p1.area"] == [["crossing", "crossing"]] * 2
    assert "bootstrap" not in found
    assert main([*arguments, "--intervals"]) == 0
    assert "p1.area: 68 %" in capsys.readouterr().out


def test_an_end_at_a_bound_is_told(arguments, tmp_path, capsys):
    """A width that may grow by a tenth of its error only."""
    answer(arguments, capsys)
    fit = store.load(tmp_path / "a.sodalite").entries[0].fits[0]
    width, error = fit.result.value("p1.fwhm"), fit.result.error("p1.fwhm")
    tight = replace(fit.model.params["p1.fwhm"], maximum=width + 0.1 * error)
    model_file(tmp_path, fit.model.with_params({"p1.fwhm": tight}))
    found, _ = answer([*arguments, "--intervals"], capsys)
    assert found["interval_ends"]["p1.fwhm"] == [["crossing", "bound"]] * 2
    assert found["intervals"]["p1.fwhm"][0][1] == tight.maximum
    assert main([*arguments, "--intervals"]) == 0
    assert "(bound)" in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("p1.fwhm:"))


def test_bootstrap(arguments, tmp_path, capsys):
    more = ["--bootstrap", "60", "--seed", "7", "--intervals", "--csv", str(tmp_path / "peaks.csv")]
    found, err = answer([*arguments, *more], capsys)
    drawn, area = found["bootstrap"], found["components"][0]
    assert (drawn["replicas"], drawn["failed"], drawn["seed"]) == (60, 0, 7)
    assert "could not be fitted" not in err
    error = area["area_err"] / found["reduced_chi2"] ** 0.5
    assert drawn["parameters"]["p1.area"]["error"] == pytest.approx(error, rel=0.4)
    (low, high), (lower, higher) = drawn["parameters"]["p1.area"]["intervals"]
    assert lower < low < high < higher
    assert answer([*arguments, *more], capsys)[0]["bootstrap"] == drawn
    assert answer([*arguments, "--bootstrap", "60"], capsys)[0]["bootstrap"] != drawn
    with (tmp_path / "peaks-intervals.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Parameter"] == "area"]
    assert [(row["Method"], row["Level [%]"]) for row in rows] == [
        ("profile likelihood", "68.269"), ("profile likelihood", "95"), ("bootstrap (BCa)", "68.269"),
        ("bootstrap (BCa)", "95"),
    ]
    assert [float(rows[2][name]) for name in ("Low", "High", "Standard error")] == [
        low, high, drawn["parameters"]["p1.area"]["error"]
    ]
    assert (rows[2]["Replicas"], rows[2]["Failed replicas"], rows[2]["Seed"]) == ("60", "0", "7")
    assert [float(rows[0][name]) for name in ("Low", "High")] == found["intervals"]["p1.area"][0]
    assert main([*arguments, "--bootstrap", "20"]) == 0
    out = capsys.readouterr().out
    assert "Bootstrap, 20 simulated spectra (seed 0), 0 not fitted:" in out
    assert "p1.area: error" in out


def test_calibrated_intervals(arguments, tmp_path, capsys):
    more = ["--calibrate", "--seed", "7", "--csv", str(tmp_path / "peaks.csv")]
    found, err = answer([*arguments, *more], capsys)
    calibration = found["calibration"]
    assert [calibration[key] for key in ("replicas", "failed", "seed")] == [400, 0, 7]
    assert calibration["levels"] == list(intervals.LEVELS)
    assert calibration["thresholds"].keys() == found["intervals"].keys()
    assert "could not be fitted" not in err
    plain, _ = answer([*arguments, "--intervals"], capsys)
    assert "calibration" not in plain
    for name, thresholds in calibration["thresholds"].items():
        # The peak is strong: the ends lie as far out as the root of the threshold says.
        for level, quantile in enumerate((1.0, 3.8415)):
            (low, high), (lower, higher) = plain["intervals"][name][level], found["intervals"][name][level]
            ratio = (thresholds[level] / quantile) ** 0.5
            assert (higher - lower) / (high - low) == pytest.approx(ratio, rel=0.02)
            assert ratio == pytest.approx(1.0, abs=0.2)
    with (tmp_path / "peaks-intervals.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["Parameter"] == "area")
    assert row["Method"] == "profile likelihood (calibrated)"
    assert [row[key] for key in ("Replicas", "Failed replicas", "Seed")] == ["400", "0", "7"]
    assert [float(row[key]) for key in ("Low", "High")] == found["intervals"]["p1.area"][0]
    assert answer([*arguments, "--intervals", "--calibrate", "400", "--seed", "7"], capsys)[0] == found
    assert main([*arguments, "--calibrate"]) == 0
    out = capsys.readouterr().out
    assert "calibrated by 400 simulated spectra (seed 0), 0 not fitted" in out


def test_no_intervals_pass_for_calibrated(arguments, monkeypatch, capsys):
    import fitting.calibration as module

    def refuse(*given, **options):
        raise NotDetermined("Only 10 of 400 simulated spectra could be fitted, 400 are needed")

    monkeypatch.setattr(module, "calibrated_thresholds", refuse)
    found, err = answer([*arguments, "--intervals", "--calibrate"], capsys)
    assert "intervals" not in found
    assert "calibration" not in found
    assert "No intervals: Only 10 of 400" in err


def test_failed_replicas_of_a_calibration_are_told(arguments, monkeypatch, capsys):
    import fitting.calibration as module

    real = module.calibrated_thresholds
    monkeypatch.setattr(
        module, "calibrated_thresholds", lambda *given, **options: replace(real(*given, **options), failed=3)
    )
    found, err = answer([*arguments, "--calibrate"], capsys)
    assert found["calibration"]["failed"] == 3
    assert "Of 400 simulated spectra 3 could not be fitted" in err


def test_the_noise_of_a_background_from_the_data_is_in_the_bootstrap_alone(arguments, tmp_path, capsys):
    model = guess.add_peak(spectrum(), guess.new_model(spectrum(), 281.0, 291.0, "linear"), 285.0)
    model_file(tmp_path, model)
    found, err = answer([*arguments, "--intervals", "--bootstrap", "60"], capsys)
    assert "only --bootstrap and --calibrate count its noise" in err
    (low, high), _ = found["intervals"]["p1.area"]
    assert found["bootstrap"]["parameters"]["p1.area"]["error"] > 1.1 * (high - low) / 2
    found, err = answer([*arguments, "--calibrate"], capsys)
    assert "count its noise" not in err
    (lower, higher), _ = found["intervals"]["p1.area"]
    assert higher - lower > 1.1 * (high - low)


def test_a_better_minimum_is_reported(arguments, monkeypatch, capsys):
    import fitting.profile as module

    def better(spectrum, result, **options):
        return Profiles((), result.model, 1.25)

    monkeypatch.setattr(module, "profile", better)
    found, err = answer([*arguments, "--intervals"], capsys)
    assert found["better_minimum"]["deviance"] == 1.25
    assert found["better_minimum"]["values"]["p1.area"] == found["components"][0]["area"]
    assert "not the lowest minimum" in err
    assert "p1.area" in err


def test_failures_are_told(arguments, monkeypatch, capsys):
    import fitting.bootstrap as module

    real, calls = module.fit, iter(range(10**6))

    def sometimes(*given, **options):
        if next(calls) % 3 == 0:
            raise NotDetermined("No")
        return real(*given, **options)

    monkeypatch.setattr(module, "fit", sometimes)
    found, err = answer([*arguments, "--bootstrap", "60"], capsys)
    assert found["bootstrap"]["failed"] == 20
    assert "Of 60 simulated spectra 20 could not be fitted" in err
    found, err = answer([*arguments, "--bootstrap", "24"], capsys)
    assert "bootstrap" not in found
    assert "No bootstrap: " in err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--bootstrap", "5"], ["--bootstrap", "x"], ["--bootstrap", "60", "--seed", "-1"], ["--calibrate", "399"],
        ["--calibrate", "x"],
    ],
)
def test_wrong_numbers_are_wrong_usage(arguments, wrong, capsys):
    assert main([*arguments, *wrong]) == 2
    assert wrong[-2] in capsys.readouterr().err


def test_columns_are_told_apart():
    assert len(set(intervals.COLUMNS)) == len(intervals.COLUMNS)
