"""Models and spectra for the tests of the fit engine, and random ones with bounds and links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from fitting.backgrounds import KINDS, kind
from fitting.dataset import Axis, Noise, Spectrum
from fitting.engine import objective
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param
from fitting.shapes import SHAPES, shape

COUNTS = Noise("poisson", 1.0)
TYPICAL = {
    "level": 500.0, "slope": 3.0, "tilt": -1.0, "step": 0.02, "loss_slope": 0.001, "quadratic": 0.2, "cubic": 0.01,
    "height": 150.0, "position": 287.1, "width": 1.5, "amplitude": 300.0, "exponent": 2.5,
}
# Peaks whose parameters the data tell apart, whatever the others do.
_WILD = ["gl_product", "gl_sum", "voigt", "gl_tail", "doniach_sunjic", "plasmon_train"]
ACTIVE = [name for name, entry in KINDS.items() if not entry.static]


def component(id: str, name: str = "gl_sum", line: str = "C 1s", **values: float) -> Component:
    """A component with shape parameters held, widths between 0.2 and 6 eV and no limits of its position."""
    entry = shape(name)
    params = {}
    for p in entry.parameters:
        low, high = (0.2, 6.0) if p.kind == "width" else (p.minimum, p.maximum)
        params[p.name] = Param(values.get(p.name, p.default), low, high, vary=p.kind != "shape")
    return Component(id, id, name, params, line=line)


def background(name: str = "linear_active", **values: float) -> Background:
    """A background with values that suit spectra of some thousand counts."""
    entry = kind(name)
    known = TYPICAL | values
    return Background(
        name,
        {
            p.name: Param(known.get(p.name, p.default), p.minimum, p.maximum, vary=p.name not in entry.fixed)
            for p in entry.parameters
        },
    )


def model(*components: Component, back: Background | None = None, region=(280.0, 295.0)) -> FitModel:
    return FitModel(region, background() if back is None else back, components)


def grid(points: int = 151, low: float = 280.0, high: float = 295.0, noise: Noise = COUNTS) -> Spectrum:
    """A spectrum of ones."""
    return Spectrum(Axis(np.linspace(low, high, points), "binding_energy"), np.ones(points), noise)


def envelope(spectrum: Spectrum, truth: FitModel) -> np.ndarray:
    evaluator = Evaluator(spectrum, truth)
    return evaluator.parts(evaluator.values_of(truth)).envelope


def counted(spectrum: Spectrum, truth: FitModel, seed: int = 0) -> Spectrum:
    """Poisson counts of a model."""
    return spectrum.with_(counts=np.random.default_rng(seed).poisson(envelope(spectrum, truth)))


def six_peaks(scale: float = 1.0, move: float = 0.0) -> FitModel:
    """C 1s of a carbonate-covered carbon on an active Shirley background."""
    rows = ((284.5, 20000), (285.6, 9000), (286.6, 6000), (287.8, 4000), (289.2, 5000), (291.0, 2500))
    peaks = (component(f"p{i}", area=scale * a, position=p + move, fwhm=1.1) for i, (p, a) in enumerate(rows, 1))
    return model(*peaks, back=background("shirley_active"))


def random_problem(seed: int) -> tuple[Spectrum, FitModel]:
    """A spectrum of up to three separate peaks with Poisson noise, and a model with random links and bounds.

    Peaks stand apart and starts are fair, so that there is one minimum to be found; bounds may exclude the truth.
    """
    rng = np.random.default_rng(seed)
    low, spacing = 280.0, 4.0
    number = int(rng.integers(1, 4))
    spectrum = grid(int(rng.integers(90, 220)), low, low + spacing * (number + 1))
    true, start = [], []
    for i in range(number):
        name = str(rng.choice(["gl_sum", "gl_product", "voigt", "gl_tail"]))
        values = {
            "area": 10 ** rng.uniform(3, 4.5), "position": low + spacing * (i + 1) + rng.uniform(-0.6, 0.6),
            "fwhm": rng.uniform(0.8, 1.6), "fwhm_g": rng.uniform(0.7, 1.2), "fwhm_l": rng.uniform(0.3, 0.8),
        }
        true.append(component(f"p{i + 1}", name, **values))
        params = dict(true[-1].params)
        for key, p in params.items():
            shift = rng.uniform(-0.2, 0.2) if key == "position" else p.value * rng.uniform(-0.2, 0.25)
            if p.vary:
                params[key] = replace(p, value=p.value + shift)
            if p.vary and rng.random() < 0.1:  # a bound that may bite
                reach = 0.15 if key == "position" else 0.1 * p.value
                low_, high_ = max(p.minimum, params[key].value - reach), params[key].value + reach
                params[key] = replace(params[key], minimum=low_, maximum=high_)
            if i and key in dict(true[0].params) and p.vary and rng.random() < 0.25:
                first = dict(true[0].params)[key].value
                tie = f"p1.{key} {p.value - first:+.3f}" if key == "position" else f"p1.{key} * {p.value / first:.3f}"
                slack = rng.choice(["", " +- 0.1", " +- 5 %" if key != "position" else " +- 0.05"])
                params[key] = replace(params[key], link=tie + slack, minimum=-np.inf, maximum=np.inf)
        start.append(replace(true[-1], params=tuple(params.items())))
    back = background(str(rng.choice(["constant", "linear_active", "shirley_active", "tougaard_active"])))
    region = (float(spectrum.x[0]), float(spectrum.x[-1]))
    begun = back
    for key, p in back.params:
        if p.vary:
            value = float(np.clip(p.value * rng.uniform(0.7, 1.3), p.minimum, p.maximum))
            begun = begun.with_(**{key: replace(p, value=value)})
    return counted(spectrum, FitModel(region, back, tuple(true)), seed), FitModel(region, begun, tuple(start))


def random_model(seed: int) -> tuple[Spectrum, FitModel]:
    """A spectrum of up to four peaks that may overlap, and a model with random links, bounds and free shapes.

    Wilder than `random_problem`: every shape, shape parameters free now and then, peaks from half a width apart,
    Poisson and Gaussian noise, starts up to 30 % off. There may be more than one minimum.
    """
    rng = np.random.default_rng([seed, 71])
    number = int(rng.integers(1, 5))
    positions = 284.0 + np.cumsum(rng.uniform(0.6, 4.0, number))
    spectrum = grid(int(rng.integers(90, 220)), 280.0, float(positions[-1]) + rng.uniform(4.0, 8.0))
    true, start = [], []
    for i in range(number):
        name = str(rng.choice(_WILD))
        values = {
            "area": 10 ** rng.uniform(3, 4.5), "height": 10 ** rng.uniform(2.5, 4), "position": float(positions[i]),
            "fwhm": rng.uniform(0.8, 1.6), "fwhm_g": rng.uniform(0.7, 1.2), "fwhm_l": rng.uniform(0.3, 0.8),
        }
        true.append(component(f"p{i + 1}", name, **values))
        start.append(_varied(true[-1], true[0] if i else None, rng))
    back = background(str(rng.choice(["constant", "linear_active", "shirley_active", "tougaard_active"])))
    region = (float(spectrum.x[0]), float(spectrum.x[-1]))
    begun = back
    for key, p in back.params:
        if p.vary:
            value = float(np.clip(p.value * rng.uniform(0.7, 1.3), p.minimum, p.maximum))
            begun = begun.with_(**{key: replace(p, value=value)})
    counts = counted(spectrum, FitModel(region, back, tuple(true)), seed)
    if rng.random() < 0.3:
        sigma = float(rng.uniform(10.0, 60.0))
        smooth = envelope(spectrum, FitModel(region, back, tuple(true)))
        noisy = smooth + sigma * rng.standard_normal(smooth.size)
        counts = spectrum.with_(counts=noisy, noise=Noise("gaussian", read_noise=sigma))
    return counts, FitModel(region, begun, tuple(start))


def _varied(true: Component, first: Component | None, rng: np.random.Generator) -> Component:
    """A component at a random start, with bounds that may bite and links to the first one."""
    params = dict(true.params)
    kinds = {p.name: p.kind for p in shape(true.shape).parameters}
    for key, p in params.items():
        kind_ = kinds[key]
        vary = kind_ != "shape" or rng.random() < 0.15
        shift = rng.uniform(-0.3, 0.3) if key == "position" else p.value * rng.uniform(-0.3, 0.3)
        value = float(np.clip(p.value + shift, p.minimum, p.maximum)) if vary else p.value
        params[key] = replace(p, value=value, vary=vary)
        if vary and rng.random() < 0.12:
            reach = rng.uniform(0.1, 0.4) if key == "position" else rng.uniform(0.05, 0.3) * abs(value)
            low, high = max(p.minimum, value - reach), min(p.maximum, value + reach)
            params[key] = replace(params[key], minimum=low, maximum=high)
        elif vary and kind_ != "shape" and first is not None and rng.random() < 0.25:
            if key not in dict(first.params):
                continue
            base = dict(first.params)[key].value
            if key == "position":
                tie, slack = f"p1.{key} {p.value - base:+.3f}", rng.choice(["", " +- 0.1", " +- 0.05"])
            else:
                tie, slack = f"p1.{key} * {p.value / base:.3f}", rng.choice(["", " +- 5 %", " +- 20 %"])
            params[key] = replace(params[key], link=tie + slack, minimum=-np.inf, maximum=np.inf)
    return replace(true, params=tuple(params.items()))


def scipy_minimum(spectrum: Spectrum, start: FitModel) -> float:
    """Sum of squares at the minimum that SciPy's trust region finds."""
    evaluator = Evaluator(spectrum, start)
    x, low, high = evaluator.parameters.start(start)
    function = objective(evaluator, spectrum.noise)
    margin = 1e-9 * np.maximum(1.0, np.abs(x))
    result = least_squares(
        lambda v: function(v)[0], np.clip(x, low + margin, high - margin), jac=lambda v: function(v)[1].T,
        bounds=(low, high), x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=2000,
    )
    return 2.0 * float(result.cost)


# A measured line comes with its component, not by name.
ALL_SHAPES = [name for name, entry in SHAPES.items() if not entry.takes_curve]

