"""The report: complete, self-contained, and safe whatever the names of things are."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from app.files.report import report_html, write_report
from app.files.report_html import Html, escaped, page, table, tag
from app.files.report_regions import constraint_words
from app.project import work
from app.project.project import Project, RegionFit, Sample, add_spectra
from fitting.curves import curves
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param
from fitting.peaks import peak_numbers
from fitting.recipe import Recipe, Step
from fitting.shapes import SHAPES
from libraries.errors import CannotWrite

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;$\\frac{\x00\x1b[31m 日本 \udcff"
VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Gathers tags and text, and insists on proper nesting."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], [], ""

    def handle_starttag(self, name, attributes):
        self.tags.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text += data


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    ids = [attributes["id"] for _, attributes in checker.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    return checker


def model(name: str = "C–C", region_name: str = "C 1s") -> FitModel:
    def peak(id, label, position, **more):
        params = {"area": Param(2000.0, 0), "position": Param(position, 280, 292), "fwhm": Param(1.2, 0.5, 3),
                  "mix": Param(0.3, vary=False)} | more
        return Component(id, label, "gl_sum", params, line="C 1s", compound=name)

    second = peak("p2", "CO3", 289.2, fwhm=Param(1.2, link="p1.fwhm * 1"))
    return FitModel((281.0, 292.0), Background("shirley", average=3), (peak("p1", name, 284.8), second), region_name)


def spectrum(name: str = "C 1s", noise: Noise | None = None) -> Spectrum:
    x = np.arange(280.0, 293.05, 0.1)
    flat = Spectrum(Axis(x, "binding_energy"), np.full(len(x), 100.0), meta=Meta(technique="xps"))
    truth = FitModel((279.0, 294.0), Background("none"), model().components)
    counts = np.random.default_rng(4).poisson(100 + curves(flat, truth).envelope)
    meta = Meta(region=name, technique="xps", sample=name, operator=name, photon_energy=1486.6)
    meta = replace(meta, dwell_time=0.2, sweeps=2)
    return Spectrum(Axis(x, "binding_energy"), counts, noise or Noise("poisson", 1.0), meta)


def project(name: str = "C 1s", *, fitted: bool = True, noise: Noise | None = None) -> Project:
    made = add_spectra(Project(name, note=f"{name}\nsecond line"), [spectrum(name, noise), spectrum("Survey")], name)
    sample = made.samples[0]
    made = made.with_sample(replace(sample, note=name))
    entry = made.entries[0]
    made = made.with_entry(entry.with_fit(RegionFit("r1", model(name, name))))
    made = work.charge_reference(made, sample.id, 284.8, 284.6, f"C 1s of {name} at 284.6 eV")
    made = made.with_history("2026-01-02T03:04:05+00:00", f"Opened {name}")
    return work.fit_all(made) if fitted else made


def test_the_report_tells_what_the_standards_ask(tmp_path):
    made = project()
    path = write_report(made, tmp_path / "report.html")
    checker = checked(path.read_text(encoding="utf-8"))
    result = made.entries[0].fits[0].result
    for words in (
        "280.80 to 291.80 eV",  # end points, after the charge reference
        "Shirley between the region ends",
        "mean of 7 channels", "poisson deviance", "Reduced χ²", f"{result.reduced_chi2:.3f}",
        "AIC, AICc, BIC", f"{result.aicc:.2f}", result.status, "at least 0", "0.5 to 3", "held", "= fwhm of C 1s",
        "each count an event",
        "C 1s of C 1s at 284.6 eV; −0.200 eV added", "Photon energy", "1486.6 eV", "not recorded", "0.2 s",
        "Scofield", "T = 1 assumed", "Opened C 1s", "2026-01-02", made.entries[0].spectrum.hash, "ISO 19830",
    ):
        assert words in checker.text, words
    # The figure of the region, that of the survey.
    assert sum(name == "img" for name, _ in checker.tags) == 2


def test_enlarged_errors_are_named_in_the_heads_of_the_tables():
    made = project()
    assert "errors ×" not in report_html(project(fitted=False))
    entry = made.entries[0]
    one = RegionFit("r1", entry.fits[0].model.without("p2"))
    worse = work.fit_all(made.with_entry(entry.with_fit(one)))
    result = worse.entries[0].fits[0].result
    assert result.exceeds_noise
    factor = f"(errors × {result.reduced_chi2 ** 0.5:.2f})"
    text = checked(report_html(worse)).text
    for head in ("Position / eV", "FWHM / eV", "Fitted"):
        assert f"{head} {factor}" in text, head


def test_the_report_stands_alone():
    text = report_html(project())
    checker = checked(text)
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & {name for name, _ in checker.tags}
    for name, attributes in checker.tags:
        assert not any(key.startswith("on") for key in attributes)
        for key in ("src", "href"):
            assert attributes.get(key, "#").startswith(("#", "data:image/svg+xml;base64,")), name
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in text


def test_hostile_names_stay_text():
    text = report_html(project(HOSTILE))
    checker = checked(text)
    assert "<script" not in text.lower()
    assert "onerror=" not in re.sub(r"&[a-z#0-9]+;|[^<>]*", lambda found: "", text)
    assert {name for name, _ in checker.tags if name in ("script", "b")} == set()
    assert sum(name == "img" for name, _ in checker.tags) == 2
    assert "<script>alert(1)</script>" in checker.text
    text.encode("utf-8")
    assert "\x00" not in text


def test_what_is_not_fitted_or_cannot_be_drawn_is_said():
    assert "This region is not fitted" in report_html(project(fitted=False))
    assert "Nothing is fitted yet" in report_html(project(fitted=False))
    made = project()
    broken = replace(made.entries[0], recipe=Recipe((Step("crop", (("low", 1.0), ("high", 2.0))),)))
    assert "No data between" in report_html(replace(made, entries=(broken, made.entries[1])))


def test_unknown_noise_gives_no_test():
    text = report_html(project(noise=Noise("unknown")))
    assert "not a test: the size of the noise is not known" in text
    assert "unknown, taken from the residuals" in text


def test_an_empty_project_has_a_report():
    checked(report_html(Project("Empty", samples=(Sample("s", "Film"),))))


def test_other_endings_are_refused(tmp_path):
    for name in ("r.pdf", "r.txt", "r"):
        with pytest.raises(CannotWrite):
            write_report(Project(), tmp_path / name)


# ------------------------------------------------------------------------------------------------------------ numbers


def test_constraints_in_words():
    labels = {"p1": "C–C", "p2": "CO<3"}
    assert constraint_words(Param(1.0, 0.5, 2.0), labels) == "0.5 to 2"
    assert constraint_words(Param(1.0), labels) == "free"
    assert constraint_words(Param(1.0, maximum=2.0), labels) == "at most 2"
    assert "held" in constraint_words(Param(1.0, vary=False), labels)
    assert constraint_words(Param(1.0, link="p2.area*0.5+-10 %"), labels) == "= area of CO&lt;3×0.5 ± 10 %"


def test_html_is_escaped_once():
    assert escaped("<&>") == "&lt;&amp;&gt;"
    assert escaped(Html("<b>")) == "<b>"
    assert tag("td", "<", class_='"') == '<td class="&quot;">&lt;</td>'
    assert "&lt;i&gt;" in table(("<i>",), [("x",)])
    assert page("</title><script>", "", "").count("<script>") == 0


# -------------------------------------------------------------------------------------------------------------- peaks


def test_errors_of_widths_agree_with_a_simulation():
    """The propagated error of a true width is the scatter of that width under the covariance of the fit."""
    params = {"area": Param(2000.0, 0), "position": Param(284.8)}
    params |= {"fwhm_g": Param(0.9, 0.1, 3), "fwhm_l": Param(0.4, 0.0, 3)}
    background = Background("constant", {"level": Param(100.0)})
    start = FitModel((281.0, 292.0), background, (Component("p1", "a", "voigt", params, line="C 1s"),))
    flat = Spectrum(Axis(np.arange(280.0, 293.05, 0.1), "binding_energy"), np.full(131, 100.0), Noise("poisson", 1.0))
    counts = np.random.default_rng(8).poisson(curves(flat, replace(start, region=(279.0, 294.0))).envelope)
    made = add_spectra(Project(), [flat.with_(counts=counts)])
    made = made.with_entry(made.entries[0].with_fit(RegionFit("r1", start)))
    fit = work.fit_all(made).entries[0].fits[0]
    (peak,) = peak_numbers(made.entries[0].spectrum, fit.model, fit.result)
    names = ["p1.fwhm_g", "p1.fwhm_l"]
    drawn = np.random.default_rng(1).multivariate_normal(
        [fit.model.params[n].value for n in names], fit.result.covariance_of(names), 400
    )
    widths = [
        peak_numbers(
            made.entries[0].spectrum, fit.model.with_values({"p1.fwhm_g": abs(g), "p1.fwhm_l": abs(l)})
        )[0].fwhm
        for g, l in drawn
    ]
    assert peak.fwhm_err == pytest.approx(np.std(widths), rel=0.15)


def test_numbers_do_not_depend_on_the_direction_of_the_axis():
    forth = spectrum()
    back = forth.with_(axis=Axis(1486.6 - forth.x[::-1], "kinetic_energy"), counts=forth.counts[::-1])
    ds = {name: Param(value) for name, value in SHAPES["doniach_sunjic"].defaults.items()} | {"position": Param(284.8)}
    one = FitModel((281.0, 292.0), Background("none"), (Component("p1", "a", "doniach_sunjic", ds),))
    turned = Component("p1", "a", "doniach_sunjic", ds | {"position": Param(1486.6 - 284.8)})
    other = FitModel((1486.6 - 292.0, 1486.6 - 281.0), Background("none"), (turned,))
    (a,), (b,) = peak_numbers(forth, one), peak_numbers(back, other)
    assert (a.area, a.fwhm, a.height) == pytest.approx((b.area, b.fwhm, b.height))
    assert a.maximum == pytest.approx(1486.6 - b.maximum)
    assert a.rate == pytest.approx(a.area / 0.4)
    assert a.area_err is None
