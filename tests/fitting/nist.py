"""The 27 certified problems of nonlinear regression of NIST, and their models with analytic derivatives.

The tables in `nist_data` hold the numbers as NIST prints them: NIST Statistical Reference Datasets,
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml (a work of the U.S. Government, in the public domain).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "nist_data"
PI = 3.141592653589793238462643383279  # as NIST writes it in Roszman1


@dataclass(frozen=True, eq=False)
class Problem:
    """One data set: y and x as in the file, two starts, and the certified answer.

    `model(x, b)` gives the values (n,) and the derivatives (n, k).
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    starts: tuple[np.ndarray, np.ndarray]
    certified: np.ndarray
    deviations: np.ndarray
    rss: float
    dof: int
    model: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

    def residual(self, b):
        return self.y - self.model(self.x, b)[0]

    def jacobian(self, b):
        return -self.model(self.x, b)[1]


def problem(name: str) -> Problem:
    """Read one table."""
    lines = [line.split() for line in (FOLDER / f"{name}.txt").read_text().splitlines() if line[:1] not in ("#", "")]
    assert lines[2] == ["parameter", "start1", "start2", "certified", "deviation"]
    end = next(i for i, row in enumerate(lines) if row[0] == "y")
    table = np.array([row[1:] for row in lines[3:end]], dtype=float)
    data = np.array(lines[end + 1 :], dtype=float)
    y, x = data[:, 0], data[:, 1] if data.shape[1] == 2 else data[:, 1:].T
    return Problem(
        name, x, np.log(y) if name == "Nelson" else y, (table[:, 0], table[:, 1]), table[:, 2], table[:, 3],
        float(lines[0][1]), int(lines[1][1]), MODELS[name],
    )


def exponentials(x, b):
    """Sum of b_i exp(-b_{i+1} x): Lanczos1 to 3."""
    value, columns = np.zeros_like(x), []
    for a, k in zip(b[::2], b[1::2], strict=True):
        decay = np.exp(-k * x)
        value = value + a * decay
        columns += [decay, -a * x * decay]
    return value, np.stack(columns, axis=1)


def rational(x, above, below):
    """(a0 + a1 x + ...) / (1 + c1 x + ...)."""
    powers = x[:, None] ** np.arange(len(above))
    lower = x[:, None] ** np.arange(1, len(below) + 1)
    bottom = 1.0 + lower @ below
    value = powers @ above / bottom
    return value, np.concatenate([powers, -lower * value[:, None]], axis=1) / bottom[:, None]


def gauss(x, b):
    first = np.exp(-b[1] * x)
    columns, value = [first, -b[0] * x * first], b[0] * first
    for a, centre, width in (b[2:5], b[5:8]):
        t = (x - centre) / width
        shape = np.exp(-t * t)
        value = value + a * shape
        columns += [shape, 2 * a * shape * t / width, 2 * a * shape * t * t / width]
    return value, np.stack(columns, axis=1)


def enso(x, b):
    year = 2 * PI * x / 12
    columns = [np.ones_like(x), np.cos(year), np.sin(year)]
    value = b[0] + b[1] * columns[1] + b[2] * columns[2]
    for period, cosine, sine in (b[3:6], b[6:9]):
        angle = 2 * PI * x / period
        c, s = np.cos(angle), np.sin(angle)
        value = value + cosine * c + sine * s
        columns += [(cosine * s - sine * c) * angle / period, c, s]
    return value, np.stack(columns, axis=1)


def bennett5(x, b):
    inner = b[1] + x
    power = inner ** (-1 / b[2])
    value = b[0] * power
    return value, np.stack([power, -value / (b[2] * inner), value * np.log(inner) / b[2] ** 2], axis=1)


def saturation(x, b):
    """b1 (1 - exp(-b2 x)): BoxBOD, Misra1a."""
    decay = np.exp(-b[1] * x)
    return b[0] * -np.expm1(-b[1] * x), np.stack([-np.expm1(-b[1] * x), b[0] * x * decay], axis=1)


def chwirut(x, b):
    bottom = b[1] + b[2] * x
    value = np.exp(-b[0] * x) / bottom
    return value, np.stack([-x * value, -value / bottom, -x * value / bottom], axis=1)


def danwood(x, b):
    power = x ** b[1]
    return b[0] * power, np.stack([power, b[0] * power * np.log(x)], axis=1)


def eckerle4(x, b):
    t = (x - b[2]) / b[1]
    shape = np.exp(-0.5 * t * t) / b[1]
    value = b[0] * shape
    return value, np.stack([shape, value * (t * t - 1) / b[1], value * t / b[1]], axis=1)


def mgh09(x, b):
    top, bottom = x * x + x * b[1], x * x + x * b[2] + b[3]
    value = b[0] * top / bottom
    return value, np.stack([top / bottom, b[0] * x / bottom, -value * x / bottom, -value / bottom], axis=1)


def mgh10(x, b):
    inner = x + b[2]
    shape = np.exp(b[1] / inner)
    return b[0] * shape, np.stack([shape, b[0] * shape / inner, -b[0] * shape * b[1] / inner**2], axis=1)


def mgh17(x, b):
    first, second = np.exp(-x * b[3]), np.exp(-x * b[4])
    value = b[0] + b[1] * first + b[2] * second
    return value, np.stack([np.ones_like(x), first, second, -b[1] * x * first, -b[2] * x * second], axis=1)


def misra1b(x, b):
    inner = 1 + b[1] * x / 2
    return b[0] * (1 - inner**-2), np.stack([1 - inner**-2, b[0] * x * inner**-3], axis=1)


def misra1c(x, b):
    inner = 1 + 2 * b[1] * x
    return b[0] * (1 - inner**-0.5), np.stack([1 - inner**-0.5, b[0] * x * inner**-1.5], axis=1)


def misra1d(x, b):
    inner = 1 + b[1] * x
    return b[0] * b[1] * x / inner, np.stack([b[1] * x / inner, b[0] * x / inner**2], axis=1)


def nelson(x, b):
    time, temperature = x
    decay = np.exp(-b[2] * temperature)
    fall = time * decay
    return b[0] - b[1] * fall, np.stack([np.ones_like(time), -fall, b[1] * fall * temperature], axis=1)


def rat42(x, b):
    growth = np.exp(b[1] - b[2] * x)
    value = b[0] / (1 + growth)
    slope = value * growth / (1 + growth)
    return value, np.stack([1 / (1 + growth), -slope, x * slope], axis=1)


def rat43(x, b):
    growth = np.exp(b[1] - b[2] * x)
    shape = (1 + growth) ** (-1 / b[3])
    value = b[0] * shape
    slope = value * growth / ((1 + growth) * b[3])
    return value, np.stack([shape, -slope, x * slope, value * np.log1p(growth) / b[3] ** 2], axis=1)


def roszman1(x, b):
    away = x - b[3]
    circle = PI * (away**2 + b[2] ** 2)
    value = b[0] - b[1] * x - np.arctan(b[2] / away) / PI
    return value, np.stack([np.ones_like(x), -x, -away / circle, -b[2] / circle], axis=1)


MODELS = {
    "Bennett5": bennett5,
    "BoxBOD": saturation,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": danwood,
    "ENSO": enso,
    "Eckerle4": eckerle4,
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": lambda x, b: rational(x, b[:4], b[4:]),
    "Kirby2": lambda x, b: rational(x, b[:3], b[3:]),
    "Lanczos1": exponentials,
    "Lanczos2": exponentials,
    "Lanczos3": exponentials,
    "MGH09": mgh09,
    "MGH10": mgh10,
    "MGH17": mgh17,
    "Misra1a": saturation,
    "Misra1b": misra1b,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "Nelson": nelson,
    "Rat42": rat42,
    "Rat43": rat43,
    "Roszman1": roszman1,
    "Thurber": lambda x, b: rational(x, b[:4], b[4:]),
}
