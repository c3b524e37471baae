"""The problems of the benchmarks, each with its known truth: two single spectra and one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fitting.backgrounds.cumulative import interval_weights
from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param

SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))  # width at half maximum of a Gaussian, in standard deviations


@dataclass(frozen=True, eq=False)
class Single:
    """One spectrum and the model that a fit starts from."""

    title: str
    spectrum: Spectrum
    start: FitModel

    def files(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The problem for a program that knows nothing of ours.

        Parameters by name with start, bounds and links as formulas; and as the matrix that makes all of them from the
        free ones (all links here are straight lines). For a Shirley background the grid that its integrals run over
        and the weights of the quadrature, so that both sides minimise the same number.
        """
        evaluator = Evaluator(self.spectrum, self.start)
        free, lower, upper = evaluator.parameters.start(self.start)
        origin, _ = evaluator.parameters.expand(np.zeros_like(free))
        _, chain = evaluator.parameters.expand(free)
        params = {
            name: {"value": p.value, "minimum": p.minimum, "maximum": p.maximum, "vary": p.vary, "link": p.link}
            for name, p in self.start.params.items()
        }
        x = evaluator.x
        settings = {
            "shape": self.start.components[0].shape,
            "background": self.start.background.kind,
            "params": params,
            "free": list(evaluator.parameters.free),
            "centre": evaluator.plan.centre,
        }
        grid = evaluator.plan.grid
        first, weights = interval_weights(grid)
        arrays = {
            "x": x,
            "y": evaluator.y,
            "start": free,
            "lower": lower,
            "upper": upper,
            "origin": origin,
            "chain": chain,
            "grid": grid,
            "weights": weights,
            "columns": first[:, None] + np.arange(weights.shape[1]),
        }
        return settings, arrays


def six_peaks() -> Single:
    """Six GL peaks on a line, 301 points, 20 free parameters; areas and widths start off the truth."""
    peaks = []
    for i, position in enumerate((284.6, 285.6, 286.6, 287.9, 289.3, 291.2)):
        params = {
            "area": Param(4000.0 / (i + 1), 0.0),
            "position": Param(position, position - 1, position + 1),
            "fwhm": Param(1.1, 0.3, 4.0),
            "mix": Param(0.3, 0.0, 1.0, vary=False),
        }
        peaks.append(Component(f"p{i}", f"p{i}", "gl_sum", params, line="C 1s"))
    background = Background("linear_active", {"level": Param(300.0), "slope": Param(2.0)})
    truth = FitModel((280.0, 295.0), background, tuple(peaks))
    off = {f"p{i}.fwhm": 1.3 for i in range(6)} | {f"p{i}.area": 1500.0 for i in range(6)}
    x = np.linspace(280.0, 295.0, 301)
    return Single("6 GL peaks and a line, 301 points", counted(truth, x, seed=1), truth.with_values(off))


def ten_voigts() -> Single:
    """Ten Voigt peaks as five doublets on an active Shirley background, 600 points, 23 free parameters.

    The minor line of each doublet has half the area of the major one, lies 7.4 eV above it (V 2p and its like), has
    the same Gaussian width and 1.5 times the Lorentzian width.
    """
    peaks = []
    for i, (position, area) in enumerate(
        ((513.0, 20000.0), (514.4, 35000.0), (515.8, 50000.0), (517.1, 40000.0), (518.6, 15000.0))
    ):
        major, minor = f"p{2 * i}", f"p{2 * i + 1}"
        params = {
            "area": Param(area, 0.0),
            "position": Param(position, position - 0.8, position + 0.8),
            "fwhm_g": Param(0.9, 0.2, 3.0),
            "fwhm_l": Param(0.4, 0.02, 3.0),
        }
        linked = {
            "area": Param(area / 2, link=f"{major}.area * 0.5"),
            "position": Param(position + 7.4, link=f"{major}.position + 7.4"),
            "fwhm_g": Param(0.9, link=f"{major}.fwhm_g"),
            "fwhm_l": Param(0.6, link=f"{major}.fwhm_l * 1.5"),
        }
        peaks.append(Component(major, f"major {i}", "voigt", params))
        peaks.append(Component(minor, f"minor {i}", "voigt", linked, doublet=major))
    background = Background(
        "shirley_active",
        {
            "level": Param(2000.0),
            "tilt": Param(0.0, vary=False),
            "step": Param(0.012, 0.0, 1.0),
            "loss_slope": Param(0.0005, 0.0, 0.01),
        },
    )
    truth = FitModel((500.0, 539.95), background, tuple(peaks))
    off = {f"p{2 * i}.area": 25000.0 for i in range(5)} | {f"p{2 * i}.fwhm_g": 1.2 for i in range(5)}
    off |= {"background.level": 1800.0, "background.step": 0.02, "background.loss_slope": 0.001}
    x = 500.0 + (539.95 - 500.0) * np.arange(600) / 599
    title = "10 Voigt peaks as 5 doublets, active Shirley, 600 points"
    return Single(title, counted(truth, x, seed=2), truth.with_values(off))


def counted(truth: FitModel, x: FloatArray, *, seed: int) -> Spectrum:
    """Poisson counts about a model, one count an event."""
    blank = Spectrum(Axis(x, "binding_energy"), np.ones(x.size), Noise("poisson", 1.0))
    evaluator = Evaluator(blank, truth)
    expected = evaluator.parts(evaluator.values_of(truth)).envelope
    return blank.with_(counts=np.random.default_rng(seed).poisson(expected))


# ----------------------------------------------------------------------------------------------------------- image
NAMES = ("p1.area", "p1.position", "p1.fwhm", "p2.area", "p2.position", "p2.fwhm", "background.level")


@dataclass(frozen=True, eq=False)
class Image:
    """A simulated low-loss image.

    Attributes
    ----------
    x : array, shape (n,)
        Energy loss in eV.
    counts : array, shape (rows, columns, n)
        Poisson counts.
    truth, error : array, shape (rows, columns, 7)
        Area (counts eV), centre, width (fwhm, eV) of the two peaks, offset (counts); and the standard errors that
        the Fisher information of the counts allows (the Cramer-Rao bound), the same yardstick for every program.
    start, lower, upper : array, shape (7,)
        One start and one set of bounds for the whole image.
    """

    x: FloatArray
    counts: np.ndarray
    truth: FloatArray
    error: FloatArray
    start: FloatArray
    lower: FloatArray
    upper: FloatArray

    def corner(self, rows: int) -> Image:
        """The first rows and as many columns: neighbours stay neighbours, so that warm starts are worth the same."""
        part = (slice(rows), slice(rows))
        return Image(
            self.x, self.counts[part], self.truth[part], self.error[part], self.start, self.lower, self.upper
        )

    @property
    def spectra(self) -> int:
        """How many spectra there are."""
        return int(np.prod(self.counts.shape[:-1]))

    def spectrum(self) -> Spectrum:
        """The image as our data type."""
        rows, columns = (Axis(np.arange(float(size)), "index", "") for size in self.counts.shape[:2])
        axis = Axis(self.x, "energy_loss")
        return Spectrum(axis, self.counts, Noise("poisson", 1.0), navigation=(rows, columns))

    def model(self) -> FitModel:
        """The start as our model: two Gaussians (GL sums without Lorentzian part) and a constant."""
        table = {
            name: Param(value, low, high)
            for name, value, low, high in zip(NAMES, self.start, self.lower, self.upper, strict=True)
        }
        mix = Param(0.0, 0.0, 1.0, vary=False)
        peaks = tuple(
            Component(
                peak, peak, "gl_sum", {k: table[f"{peak}.{k}"] for k in ("area", "position", "fwhm")} | {"mix": mix}
            )
            for peak in ("p1", "p2")
        )
        background = Background("constant", {"level": table["background.level"]})
        return FitModel((float(self.x[0]), float(self.x[-1])), background, peaks)

    def files(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The problem for a program that knows nothing of ours."""
        arrays = {
            "x": self.x,
            "counts": self.counts,
            "start": self.start,
            "lower": self.lower,
            "upper": self.upper,
        }
        return {"names": list(NAMES)}, arrays


def low_loss_image(rows: int = 64, channels: int = 1024) -> Image:
    """Two plasmons that drift by 2.5 eV and change by up to ten times in strength over the image, on an offset.

    The peaks are 100 to 1000 counts high, the offset 100 to 120 counts: high enough that the weights 1/y of the peers,
    which pull a mean down by about one count (here two standard errors), do not count as failures.
    """
    x = 0.05 * np.arange(channels) * 1024 / channels
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, rows), indexing="ij")
    height1 = 100.0 + 900.0 * (0.5 + 0.5 * np.sin(5.0 * u + 3.0 * v))
    height2 = 150.0 + 400.0 * (0.5 + 0.5 * np.cos(4.0 * v - 2.0 * u))
    fwhm1 = 3.5 + 1.5 * v * u
    fwhm2 = 8.0 + 2.0 * np.sin(3.0 * u)
    to_area = np.sqrt(2 * np.pi) / SIGMA
    truth = np.stack(
        [
            height1 * fwhm1 * to_area,
            15.0 + 1.25 * np.sin(2.0 * v + 1.5 * u),
            fwhm1,
            height2 * fwhm2 * to_area,
            25.0 + 1.25 * np.cos(2.0 * u - v),
            fwhm2,
            100.0 + 20.0 * u,
        ],
        axis=-1,
    )
    expected, error = np.empty((rows, rows, channels)), np.empty_like(truth)
    for at in np.ndindex(rows, rows):
        expected[at], jacobian = two_gaussians(x, truth[at])
        error[at] = np.sqrt(np.diag(np.linalg.inv(jacobian / expected[at] @ jacobian.T)))
    counts = np.random.default_rng(3).poisson(expected).astype(np.uint16)
    start = np.array([2500.0, 15.0, 5.0, 3000.0, 25.0, 7.0, 80.0])
    lower = np.array([0.0, 12.0, 0.5, 0.0, 21.0, 0.5, 0.0])
    upper = np.array([1e5, 18.0, 20.0, 1e5, 29.0, 20.0, 1e3])
    return Image(x, counts, truth, error, start, lower, upper)


def two_gaussians(x: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The truth of a pixel, shape (n,), and its derivatives, shape (7, n); independent of the fit's own code."""
    total, rows = np.full_like(x, values[6]), []
    for area, centre, fwhm in values[:6].reshape(2, 3):
        sigma = fwhm / SIGMA
        t = (x - centre) / sigma
        unit = np.exp(-0.5 * t * t) / (sigma * np.sqrt(2 * np.pi))
        total = total + area * unit
        rows += [unit, area * unit * t / sigma, area * unit * (t * t - 1) / fwhm]
    return total, np.array([*rows, np.ones_like(x)])
