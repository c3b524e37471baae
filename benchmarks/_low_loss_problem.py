"""The low-loss image of sodiated carbon that `benchmarks/low_loss.py` fits: truth, counts, yardstick, our model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param

SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
ROOT_HALF = 0.7071067811865476
# name, start, lower, upper: what every program varies. Energies and widths in eV.
TABLE: tuple[tuple[str, float, float, float], ...] = (
    ("background.amplitude", 20.0, 0.0, 1e4),
    ("background.exponent", 3.0, 0.5, 6.0),
    ("pi.area", 800.0, 0.0, 1e6),
    ("pi.position", 5.6, 4.6, 6.6),
    ("pi.fwhm", 2.0, 1.2, 5.0),
    ("na.area", 600.0, 0.0, 1e6),
    ("na.position", 5.65, 5.2, 6.2),
    ("na.fwhm", 0.6, 0.2, 1.1),
    ("surface.area", 200.0, 0.0, 1e6),
    ("surface.fwhm", 0.7, 0.2, 2.0),
    ("sigma.area", 8000.0, 0.0, 1e7),
    ("sigma.position", 23.0, 18.0, 30.0),
    ("sigma.fwhm", 12.0, 5.0, 30.0),
    ("edge.height", 60.0, 0.0, 1e5),
    ("edge.position", 31.3, 29.5, 33.5),
)
NAMES = tuple(row[0] for row in TABLE)
# The double plasmon is a share of the single one; an edge's width and fall are held.
DOUBLE_SHARE, DOUBLE_WIDTH, EDGE_WIDTH, EDGE_EXPONENT = 0.08, 1.5, 0.6, 2.5
MIDDLE = 22.46  # eV: where the power law has its amplitude


@dataclass(frozen=True, eq=False)
class LowLoss:
    """A simulated image; arrays as in `_problems.Image`, with 15 parameters in the order of `NAMES`."""

    x: FloatArray
    counts: np.ndarray
    truth: FloatArray
    error: FloatArray
    start: FloatArray
    lower: FloatArray
    upper: FloatArray

    def corner(self, rows: int) -> LowLoss:
        """The first rows and as many columns."""
        part = (slice(rows), slice(rows))
        return LowLoss(
            self.x, self.counts[part], self.truth[part], self.error[part], self.start, self.lower, self.upper
        )

    @property
    def spectra(self) -> int:
        """How many spectra there are."""
        return int(np.prod(self.counts.shape[:-1]))

    def spectrum(self, gain: float | None = 1.0) -> Spectrum:
        """The image as our data type."""
        rows, columns = (Axis(np.arange(float(size)), "index", "") for size in self.counts.shape[:2])
        return Spectrum(
            Axis(self.x, "energy_loss"), self.counts, Noise("poisson", gain), navigation=(rows, columns)
        )

    def model(self) -> FitModel:
        """The start as our model."""
        table = {row[0]: Param(*row[1:]) for row in TABLE}

        def plasmon(id: str, **links: Param) -> Component:
            params = {key: links.get(key) or table[f"{id}.{key}"] for key in ("area", "position", "fwhm")}
            return Component(id, id, "drude", params)

        double = plasmon(
            "double", area=Param(1.0, link=f"na.area * {DOUBLE_SHARE}"), position=Param(11.4, link="na.position * 2"),
            fwhm=Param(1.0, link=f"na.fwhm * {DOUBLE_WIDTH}"),
        )
        surface = plasmon("surface", position=Param(4.0, link=f"na.position * {ROOT_HALF}"))
        edge = Component("edge", "edge", "edge_step", {
            "height": table["edge.height"], "position": table["edge.position"],
            "fwhm": Param(EDGE_WIDTH, vary=False), "exponent": Param(EDGE_EXPONENT, vary=False),
        })  # fmt: skip
        background = Background(
            "power_law", {key: table[f"background.{key}"] for key in ("amplitude", "exponent")}
        )
        # Components in the order of TABLE, so that the free parameters are.
        components = (plasmon("pi"), plasmon("na"), double, surface, plasmon("sigma"), edge)
        return FitModel((float(self.x[0]), float(self.x[-1])), background, components)

    def files(self) -> tuple[dict[str, object], dict[str, np.ndarray]]:
        """The problem for a program that knows nothing of ours."""
        settings = {
            "names": list(NAMES), "double_share": DOUBLE_SHARE, "double_width": DOUBLE_WIDTH, "middle": MIDDLE,
            "edge_width": EDGE_WIDTH, "edge_exponent": EDGE_EXPONENT, "root_half": ROOT_HALF,
        }
        arrays = {"x": self.x, "counts": self.counts, "start": self.start, "lower": self.lower, "upper": self.upper}
        return settings, arrays


def low_loss_problem(rows: int = 64, channels: int = 1024) -> LowLoss:
    """Carbon shells with sodium inside: everything changes smoothly over the image, sodium by a factor of five."""
    x = 2.0 + 0.04 * np.arange(channels) * 1024 / channels
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, rows), indexing="ij")
    sodium = 0.2 + 0.8 * np.exp(-8.0 * ((u - 0.5) ** 2 + (v - 0.5) ** 2))
    thick = 0.7 + 0.5 * np.sin(2.5 * u) * np.cos(1.5 * v)
    columns = {
        "background.amplitude": 15.0 + 10.0 * u,
        "background.exponent": 2.3 + 0.3 * v,
        "pi.area": 2500.0 * thick,
        "pi.position": 5.3 + 0.2 * v,
        "pi.fwhm": 2.4 + 0.4 * u,
        "na.area": 3000.0 * sodium,
        "na.position": 5.75 + 0.06 * np.sin(3.0 * u + v),
        "na.fwhm": 0.45 + 0.1 * v,
        "surface.area": 700.0 * sodium,
        "surface.fwhm": 0.7 + 0.1 * u,
        "sigma.area": 15000.0 * thick,
        "sigma.position": 23.0 + 1.2 * np.sin(2.0 * v - u),
        "sigma.fwhm": 12.0 + 2.0 * u * v,
        "edge.height": 150.0 * sodium,
        "edge.position": 31.2 + 0.3 * v,
    }
    truth = np.stack([columns[name] for name in NAMES], axis=-1)
    expected, error = np.empty((rows, rows, channels)), np.empty_like(truth)
    for at in np.ndindex(rows, rows):
        expected[at] = low_loss(x, truth[at])
        jacobian = np.array([_slope(x, truth[at], i) for i in range(len(NAMES))])
        error[at] = np.sqrt(np.diag(np.linalg.inv(jacobian / expected[at] @ jacobian.T)))
    counts = np.random.default_rng(5).poisson(expected).astype(np.uint16)
    start, lower, upper = (np.array([row[i] for row in TABLE]) for i in (1, 2, 3))
    return LowLoss(x, counts, truth, error, start, lower, upper)


def _slope(x: FloatArray, values: FloatArray, i: int) -> FloatArray:
    h = np.zeros_like(values)
    h[i] = 1e-4 * values[i]
    return (low_loss(x, values + h) - low_loss(x, values - h)) / (2.0 * h[i])


def low_loss(x: FloatArray, values: FloatArray) -> FloatArray:
    """The truth of a pixel, shape (n,); independent of the fit's own code."""
    v = dict(zip(NAMES, values, strict=True))

    def plasmon(area: float, energy: float, width: float) -> FloatArray:
        root = np.sqrt(4.0 * energy**2 / width**2 - 1.0)
        unit = width**2 * root / (2.0 * np.arctan(root))
        return area * unit * x / ((x * x - energy**2) ** 2 + (x * width) ** 2)

    z = (x - v["edge.position"]) * SIGMA / EDGE_WIDTH
    return (
        v["background.amplitude"] * (x / MIDDLE) ** -v["background.exponent"]
        + plasmon(v["pi.area"], v["pi.position"], v["pi.fwhm"])
        + plasmon(v["na.area"], v["na.position"], v["na.fwhm"])
        + plasmon(DOUBLE_SHARE * v["na.area"], 2.0 * v["na.position"], DOUBLE_WIDTH * v["na.fwhm"])
        + plasmon(v["surface.area"], ROOT_HALF * v["na.position"], v["surface.fwhm"])
        + plasmon(v["sigma.area"], v["sigma.position"], v["sigma.fwhm"])
        + v["edge.height"] * ndtr(z) * (x / v["edge.position"]) ** -EDGE_EXPONENT
    )
