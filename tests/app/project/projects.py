"""Projects for the tests of the project file: one by hand with everything in it, and generated ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.project.project import Entry, HistoryItem, Project, RegionFit, Sample
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param
from fitting.recipe import Recipe, Step, energy_shift
from fitting.result import FitResult

ODD_TEXT = "Na₃V₂(PO₄)₃ «étalon» \n\t\0 日本 🧂 \udcff"


def spectrum(n: int = 201, region: str = "C 1s", seed: int = 1, **changes) -> Spectrum:
    """A peak of counts on a binding-energy axis."""
    x = np.linspace(280.0, 295.0, n)
    counts = np.random.default_rng(seed).poisson(200 + 900 * np.exp(-(((x - 285) / 0.8) ** 2)))
    meta = Meta(region=region, technique="xps", sample="P2-1", photon_energy=1486.6, sweeps=3, file="a.vms")
    fields = {"axis": Axis(x, "binding_energy"), "counts": counts.astype(np.uint16), "noise": Noise("poisson", 1.0)}
    return Spectrum(**(fields | {"meta": meta} | changes))


def model(name: str = "C 1s") -> FitModel:
    """Two linked peaks on a background with a bound on one side only."""
    first = Component(
        "p1",
        "C–C",
        "gl_product",
        (
            ("area", Param(1523.1, 0.0)),
            ("position", Param(0.1 + 0.2 + 284.5, 280, 290)),
            ("fwhm", Param(4 / 3, 0.1, 5)),
            ("mix", Param(0.3, 0.0, 1.0)),
        ),
        line="C 1s",
        source="Beamson & Briggs 1992",
    )
    second = Component(
        "p2",
        "CO₃",
        "gl_product",
        (
            ("area", Param(500.25, 0.0, math.inf)),
            ("position", Param(289.6, link="p1.position + 5.1")),
            ("fwhm", Param(1.2, vary=False)),
            ("mix", Param(0.3, 0.0, 1.0, link="p1.mix")),
        ),
        quantify=False,
    )
    return FitModel(
        (282.0, 292.0),
        Background("linear_active", (("level", Param(200.0)), ("slope", Param(-1.5, -math.inf, 0)))),
        (first, second),
        name,
    )


def result(of: FitModel, **changes) -> FitResult:
    """A result with undetermined covariances and no finite criterion."""
    names = tuple(of.params)
    covariance = np.diag(np.linspace(0.1, 1, len(names)))
    covariance[0, 1] = covariance[1, 0] = math.nan
    covariance[2, 2] = math.inf
    fields = {
        "model": of,
        "start": of.with_values({"p1.area": 1000.0}),
        "names": names,
        "covariance": covariance,
        "free": names[:3],
        "at_bound": ("p1.area",),
        "statistic": "poisson deviance",
        "deviance": 211.7,
        "n_data": 134,
        "n_free": 5,
        "reduced_chi2": math.nan,
        "scale": 1.0,
        "aic": -math.inf,
        "bic": math.inf,
        "noise": Noise("poisson", 1.0),
        "status": "at bound",
        "message": "",
        "evaluations": 17,
        "data_hash": "0" * 32,
        "seconds": 0.25,
    }
    return FitResult(**(fields | changes))


def full_project() -> Project:
    """Everything that a project can hold, with odd texts, None, infinities, NaN and all kinds of counts."""
    fitted = model()
    plain = Entry("c1s", spectrum(), "p2_1", "", Recipe((energy_shift(0.37, "C–C at 284.8 eV"),)))
    plain = plain.with_fit(RegionFit("main", fitted, result(fitted))).with_fit(RegionFit("free", model("")))
    image = Spectrum(
        Axis(np.arange(40.0), "energy_loss"),
        np.random.default_rng(2).integers(0, 2**31, (3, 4, 40), dtype=np.uint32),
        navigation=(Axis(np.arange(3.0), "distance", "nm"), Axis(np.arange(4.0), "distance", "nm")),
    )
    rates = spectrum(
        11,
        "Na 1s",
        counts=np.linspace(-1.5, 1e300, 11),
        noise=Noise(gain=0.1, read_noise=2.5, correlation=0.5, origin="user"),
        transmission=np.linspace(0.5, 2, 11),
        meta=Meta(title=ODD_TEXT, comments=("", ODD_TEXT, "#"), extra=(("kV", "10"), ("", ""))),
    )
    odd = Entry("ÅÄÖ / 1 @ü", rates, "none", ODD_TEXT, Recipe((Step("unknown", (("a", "b"), ("c", math.inf))),)))
    return Project(
        ODD_TEXT,
        (Sample("p2_1", "P2-1", "NaCoO2", "air-free"), Sample("x", "")),
        (plain, Entry("image", image), odd),
        (HistoryItem("2025-01-31T12:00:00Z", "Opened a.vms"),),
        "two\nlines",
    )


texts = st.text(max_size=12)
ids = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z").filter(lambda text: text != "background")
finite = st.floats(allow_nan=False, allow_infinity=False)
optional = st.none() | finite


@st.composite
def axes(draw, size: int):
    start, step = draw(st.floats(-1e4, 1e4)), draw(st.floats(0.01, 10))
    quantity = draw(st.sampled_from(["binding_energy", "kinetic_energy", "energy_loss", "channel", "depth", "index"]))
    return Axis(start + step * np.arange(size), quantity, draw(st.sampled_from(["eV", "", "nm", "Å"])))


@st.composite
def spectra(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=6))
    dtype = draw(st.sampled_from(["u1", "u2", "<u4", ">u2", "u8", "i1", ">i4", "i8", "f8"]))
    numbers = {"elements": finite} if dtype == "f8" else {}
    noise = draw(st.sampled_from([Noise(), Noise("poisson", 0.1), Noise("gaussian", None, 2.0, 0.3, "estimated")]))
    transmission = draw(st.none() | hnp.arrays(float, shape[-1], elements=st.floats(1e-9, 1e9)))
    meta = draw(
        st.builds(
            Meta,
            title=texts,
            technique=st.sampled_from(["xps", "eels", "sims", "other"]),
            region=texts,
            photon_energy=st.none() | st.floats(),
            dwell_time=optional,
            intensity_unit=st.sampled_from(["counts", "counts/s", "arbitrary"]),
            index=st.integers(-(2**40), 2**40),
            comments=st.lists(texts, max_size=3).map(tuple),
            extra=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
        )
    )
    navigation = tuple(draw(axes(n)) for n in shape[:-1])
    return Spectrum(
        draw(axes(shape[-1])), draw(hnp.arrays(dtype, shape, **numbers)), noise, meta, transmission, navigation
    )


@st.composite
def params(draw):
    low, high = sorted((draw(finite), draw(finite)))
    return Param(
        draw(finite),
        draw(st.sampled_from([low, -math.inf])),
        draw(st.sampled_from([high, math.inf])),
        draw(st.booleans()),
    )


@st.composite
def models(draw):
    low = draw(st.floats(-1e6, 1e6))
    tables = st.dictionaries(ids, params(), max_size=3)
    components = tuple(
        Component(id, draw(texts), draw(texts), draw(tables), draw(texts), quantify=draw(st.booleans()))
        for id in draw(st.lists(ids, max_size=3, unique=True))
    )
    background = Background(
        draw(texts), draw(tables), draw(st.integers(0, 9)), draw(st.sampled_from(["casa", "trapezoid"]))
    )
    return FitModel((low, low + draw(st.floats(0.1, 50))), background, components, draw(texts))


@st.composite
def results(draw):
    of = draw(models())
    names = tuple(of.params)
    return replace(
        result(model()),
        model=of,
        start=draw(models()),
        names=names,
        covariance=draw(hnp.arrays(float, (len(names), len(names)), elements=st.floats())),
        free=names[::2],
        message=draw(texts),
        **{name: draw(st.floats()) for name in ("deviance", "reduced_chi2", "scale", "aic", "bic")},
    )


@st.composite
def entries(draw, id: str):
    steps = st.builds(Step, texts, st.lists(st.tuples(texts, st.floats() | texts), max_size=3).map(tuple), texts)
    fits = [
        RegionFit(fit_id, draw(models()), draw(st.none() | results())) for fit_id in draw(st.lists(texts, max_size=2))
    ]
    recipe = Recipe(tuple(draw(st.lists(steps, max_size=2))))
    return Entry(id, draw(spectra()), draw(texts), draw(texts), recipe, tuple(fits))


@st.composite
def projects(draw):
    found = tuple(draw(entries(id)) for id in draw(st.lists(texts, max_size=3, unique=True)))
    samples = st.lists(st.builds(Sample, texts, texts, texts, texts), max_size=2).map(tuple)
    history = st.lists(st.builds(HistoryItem, texts, texts), max_size=2).map(tuple)
    return Project(draw(texts), draw(samples), found, draw(history), draw(texts))
