"""A C 1s doublet series after the recipe of NIST's standard test data for XPS.

Conny, Powell & Currie, Surf. Interface Anal. 26 (1998) 939, parts II and III 29 (2000) 444 and 856: simulated C 1s
spectra of two polymers in a factorial design of separation, relative intensity and Poisson noise, with single lines as
null case and with reference spectra of the single line. Twenty analysts took up to 50 % of the doublets for singlets;
biases of the energies ran from -0.055 to +0.34 eV (abstract of part I).

Form of the line: what analyst 1 fitted to the reference spectrum (table 1 of the pilot study, cstl.nist.gov
837.01/outputs/standards/STData/pilot_study.html): two Gaussian-Lorentzian products 0.85 eV wide, 0.90:0.10 and
0.40:0.60, the smaller 0.68 eV above and 0.11 times as high. The levels of the factors are not in the pages that could
be read; separations (0.3 to 2 eV) and ratios (1:1 to 1:10) are those asked for, the three noise levels are 5.8, 3.2 and
1 % at the top of the larger peak, and the reference spectrum has 0.3 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.model import Background, Component, FitModel, Param
from fitting.shapes import shape
from fitting.xps.candidates.decide import DETECTION_LIMIT, expected, expected_fall
from fitting.xps.candidates.grammar import Grammar, plain
from fitting.xps.candidates.rank import find
from fitting.xps.candidates.search import Fitter

REGION = (280.0, 292.0)
X = np.round(np.arange(REGION[0], REGION[1] + 0.05, 0.1), 3)
POSITION = 285.0
HEIGHTS = (300.0, 1000.0, 10000.0)
SEPARATIONS = (0.3, 0.4, 0.5, 0.7, 0.9, 1.2, 1.6, 2.0)
RATIOS = (1.0, 2.0, 5.0, 10.0, 1 / 2.0, 1 / 5.0, 1 / 10.0)  # of the low- to the high-energy peak
BACKGROUND = 0.2  # of the height
REFERENCE_HEIGHT = 1e5
WIDTH, OFFSET, RATIO, MIXES = 0.85, 0.68, 0.11, (0.10, 0.60)


def _unit(mix: float) -> float:
    """Area of a line of height 1, by integration on a wide fine grid (its tails are cut at 40 eV: below 1 %)."""
    x = np.linspace(-40.0, 40.0, 80001)
    return 1.0 / float(np.max(shape("gl_product").evaluate(x, 1.0, 0.0, WIDTH, mix, direction=1)[0]))


AREAS = (_unit(MIXES[0]), RATIO * _unit(MIXES[1]))


def truth(peaks: tuple[tuple[float, float], ...], level: float) -> FitModel:
    """Lines of the recipe's form at (position, height)."""
    components = []
    for i, (position, height) in enumerate(peaks):
        for j, (mix, area) in enumerate(zip(MIXES, AREAS, strict=True)):
            params = {"area": Param(height * area, 0.0), "position": Param(position + j * OFFSET),
                      "fwhm": Param(WIDTH), "mix": Param(mix)}
            components.append(Component(f"p{2 * i + j + 1}", "", "gl_product", params, line="C 1s"))
    return FitModel(REGION, Background("constant", {"level": Param(level)}), tuple(components), "C 1s")


BLANK = Spectrum(
    Axis(X, "binding_energy"), np.ones_like(X), Noise("poisson", 1.0), Meta(technique="xps", region="C 1s")
)


def draw(model: FitModel, *seed: int) -> Spectrum:
    """Counts of a model."""
    mean = expected(BLANK, model)
    return mean.with_(counts=np.random.default_rng(seed).poisson(mean.y).astype(float))


def reference() -> tuple[FitModel, float]:
    """The reference spectrum's single line as an analyst fits it, and by how far its energy is off.

    Two sums (not products) of Gaussian and Lorentzian with everything free: the form is not known exactly.
    """
    single = draw(truth(((POSITION, REFERENCE_HEIGHT),), BACKGROUND * REFERENCE_HEIGHT), 1)
    model = guess.new_model(single, *REGION, "linear_active")
    for at, height in ((POSITION, 0.9), (POSITION + 0.7, 0.15)):
        model = guess.add_peak(single, model, at, height=height * REFERENCE_HEIGHT, fwhm=0.85, line="C 1s")
    parts = [c.with_(mix=replace(c.param("mix"), vary=True)) for c in model.components]
    result = fit(single, replace(model, components=tuple(parts)), starts=4)
    assert result.success
    return result.model, result.value("p1.position") - POSITION


@dataclass(frozen=True)
class Answer:
    """What the search said of one spectrum: number of peaks, and the energies of two (relative to the truth, eV)."""

    size: int
    errors: tuple[float, float]


def grammar(spectrum: Spectrum, form: FitModel) -> tuple[FitModel, Grammar]:
    """Region with a straight background, and one or two peaks of the reference's form, as the analysts were asked."""
    base = guess.new_model(spectrum, *REGION, "linear_active")
    return base, plain(base, line="C 1s", reference=form, most=2)


def answer(model: FitModel, form: FitModel, shift: float, *seed: int) -> Answer:
    """Simulate a spectrum and search."""
    spectrum = draw(model, *seed)
    base, allowed = grammar(spectrum, form)
    found = find(spectrum, base, allowed, starts=4, seed=seed[-1])
    pair = next((c for c in found.found if c.size == 2), None)
    true = [c.value("position") for c in model.components[::2]]
    errors = (float("nan"), float("nan"))
    if pair is not None and len(true) == 2:
        got = sorted(s.position for s in pair.states)
        errors = (got[0] - shift - true[0], got[1] - shift - true[1])
    return Answer(found.size, errors)


def doublet(height: float, ratio: float, separation: float) -> FitModel:
    """Two lines; `height` is that of the larger one, `ratio` that of the low- to the high-energy one."""
    first, second = (height, height / ratio) if ratio >= 1 else (height * ratio, height)
    return truth(((POSITION, first), (POSITION + separation, second)), BACKGROUND * height)


def fall(model: FitModel, form: FitModel) -> float:
    """Expected fall from the best single line to the truth, for spectra of these counts."""
    spectrum = expected(BLANK, model)
    base, allowed = grammar(spectrum, form)
    fitter = Fitter(spectrum, allowed, base)
    starts = [fitter.at(("peak",), [POSITION + step], None) for step in (0.1, 0.5, 1.0, 2.0)]
    values = [expected_fall(BLANK, model, fitter, start) for start in starts]
    return min(v for v in values if np.isfinite(v))


def determinable(model: FitModel, form: FitModel) -> bool:
    """Whether data can tell the doublet from the best single line at all: Currie's limit, set before any search."""
    return fall(model, form) >= DETECTION_LIMIT
