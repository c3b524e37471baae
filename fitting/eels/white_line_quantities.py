"""What the white lines of a fitted edge say: onset, maximum, centroid, L3/L2, each with its covariance.

Everything stands on single scattering at the resolution of the zero-loss peak: where the model knows the low loss, the
plural scattering that it gives to the edge is taken off the data first. Without a low loss it stays in; that is said.
"""

from __future__ import annotations

import math

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.edge_model import FINE, BackgroundOf, Curves
from fitting.eels.fine_setup import LEAST_AFTER, OXYGEN, FineSetup
from fitting.eels.propagation import Data, Linearised, Quantities, Quantity, remarks
from fitting.eels.white_lines import role_of
from fitting.result import FitResult

POSITIONS = {
    "l3_onset": "L3 onset",
    "l3_inflexion": "L3 inflexion",
    "l3_maximum": "L3 maximum",
    "l3_centroid": "L3 centroid",
}
RELATIVE = ".rel"
_PEARSON = "D. H. Pearson, C. C. Ahn, B. Fultz, Phys. Rev. B 47, 8471 (1993)"
_WALSH = "C. A. Walsh, V. P. Dray, cited after T. Riedl et al., Ultramicroscopy 106, 284 (2006)"
_NAN = math.nan
_NEAR = round(0.8 / FINE)  # channels of the fine curve


def white_line_quantities(spectrum: Spectrum, result: FitResult, setup: FineSetup) -> Quantities:
    """Positions, ratios and amounts of a fitted pair of white lines.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted.
    result : FitResult
        Of a model of `white_lines.white_line_model`, possibly edited by the user.
    setup : FineSetup

    Returns
    -------
    Quantities

    Raises
    ------
    FitFailed
        If the fit is no minimum.
    """
    return _Reading(spectrum, result, setup).quantities()


class _Reading:
    """One fitted edge, prepared so that its quantities are functions of parameters and sums of counts."""

    def __init__(self, spectrum: Spectrum, result: FitResult, setup: FineSetup) -> None:
        self.setup, self.result, self.model = setup, result, result.model
        self.linear = Linearised(spectrum, result)
        self.x = self.linear.x
        self.index = {name: i for i, name in enumerate(self.linear.evaluator.names)}
        values = self.linear.values
        e3, e2 = (self._value(values, f"{id}.position") for id in ("l3", "l2"))
        oxygen = e3 + OXYGEN - setup.thresholds[0]
        self.roles = {c.id: role_of(c, e3, e2, oxygen) for c in self.model.components}
        grid = np.arange(e3 - 10.0, e2, FINE)
        self.fine = Curves(self.model, grid, single=True)
        self.broad = Curves(self.model, self.x, single=False)
        self.whole = Curves(self.model, self.x, single=True) if self.model.response is not None else None
        self.background = BackgroundOf(spectrum, self.model)
        top, onset, _ = self._rise(values)
        self.wide = float(spectrum.axis.step)  # eV of a channel: sums of counts become areas
        self.near = np.abs(self.x - top) <= max(0.6 * (top - onset), 2.01 * spectrum.axis.step)
        self.after = self._after(e2)
        self.notes = self._notes()

    def _value(self, values: FloatArray, name: str) -> float:
        return float(values[self.index[name]])

    def _after(self, e2: float) -> tuple[float, float] | None:
        """The window of the straight line behind L2, on the axis; None where there is none."""
        low, high = self.setup.after
        low, high = max(low, e2 + 3.0), min(high, float(self.x[-1]))
        return (low, high) if high - low >= LEAST_AFTER else None

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.model.response is None:
            notes.append("No low loss: plural scattering is not removed; it lies behind L2 and lowers L3/L2.")
        if self.after is not None and self.after[1] - self.after[0] < 49.0:
            notes.append(f"The line behind L2 is taken over {self.after[1] - self.after[0]:.0f} eV instead of 50 eV.")
        return (*notes, *remarks(self.result, self.linear.excess))

    # -- curves -------------------------------------------------------------------------------------------------

    def _rise(self, values: FloatArray) -> tuple[float, float, float]:
        """Maximum, half height and inflexion of the fitted rise of L3."""
        parts = self.fine.of(values, self.roles)
        curve = sum(c for role, c in parts.items() if role != "O K")
        x = self.fine.x
        # The top of the L3 lines leads to that of the whole edge, of which a high L2 would otherwise be the maximum.
        at = int(np.argmax(parts["L3"]))
        near = slice(max(at - _NEAR, 0), at + _NEAR)
        at = near.start + int(np.argmax(curve[near]))
        if at < 3 or at > x.size - 2 or not curve[at] > 0:
            return _NAN, _NAN, _NAN
        top, height = _vertex(x, curve, at)
        below = np.flatnonzero(curve[:at] < 0.5 * height)
        if below.size == 0:
            return top, _NAN, _NAN
        i = int(below[-1])
        onset = x[i] + (0.5 * height - curve[i]) / (curve[i + 1] - curve[i]) * (x[i + 1] - x[i])
        slope = np.gradient(curve[: at + 1], x[: at + 1])
        steep = int(np.argmax(slope))
        inflexion = _vertex(x[: at + 1], slope, steep)[0] if 0 < steep < slope.size - 1 else _NAN
        return top, float(onset), inflexion

    def _parts(self, values: FloatArray) -> tuple[FloatArray, dict[str, FloatArray]]:
        """On the data's channels: what is to be taken off the data, and the single-scattering curves."""
        broad = self.broad.of(values, self.roles)
        sharp = self.whole.of(values, self.roles) if self.whole is not None else broad
        off = self.background.of(values)
        for role, curve in broad.items():
            off = off + (curve if role == "O K" else curve - sharp[role])
        return off, sharp

    # -- quantities ---------------------------------------------------------------------------------------------

    def _all(self, values: FloatArray, data: Data) -> FloatArray:
        top, onset, inflexion = self._rise(values)
        off, sharp = self._parts(values)
        steps = sharp.get("step", np.zeros_like(self.x))
        e3, e2 = self._value(values, "l3.position"), self._value(values, "l2.position")
        maximum = self._maximum(off, data, top)
        centroid = self._centroid(off + steps, data, onset)
        positions = [onset, inflexion, maximum, centroid]
        areas = {role: self._area(values, role) for role in ("L3", "L2")}
        share = self.whole.share if self.whole is not None else 1.0
        height = 1.5 * share * self._value(values, "s3.height") if "s3.height" in self.index else _NAN
        pearson = self._pearson(off, steps, data, e3, e2)
        walsh = self._walsh(off, data, e3, e2, onset)
        oxygen = self._value(values, "ok.position") if "ok.position" in self.index else _NAN
        base = {"O K": oxygen, "none": _NAN}.get(self.setup.reference, self.setup.reference_energy)
        return np.array([
            *positions, *(p - base for p in positions), e2 - e3, _ratio(areas["L3"], areas["L2"]),
            _ratio(*pearson), _ratio(*walsh), _ratio((pearson[0] + pearson[1]) * self.wide, height), height, oxygen,
        ])

    def _area(self, values: FloatArray, role: str) -> float:
        ids = [id for id, known in self.roles.items() if known == role and f"{id}.area" in self.index]
        return sum(self._value(values, f"{id}.area") for id in ids)

    def _maximum(self, off: FloatArray, data: Data, top: float) -> float:
        """Vertex of the parabola through the data about the top."""
        x = self.x[self.near]
        if x.size < 4 or not np.isfinite(top):
            return _NAN
        middle = 0.5 * (float(x[0]) + float(x[-1]))
        u = x - middle
        projection = np.linalg.pinv(np.stack((np.ones_like(u), u, u**2), axis=1))
        coefficients = []
        for row in projection[1:]:
            weights = np.zeros_like(self.x)
            weights[self.near] = row
            coefficients.append(data.sum(weights) - float(weights @ off))
        slope, bend = coefficients
        if not bend < 0 or abs(slope) > -2.0 * bend * (u[-1] - u[0]):
            return _NAN
        return middle - slope / (2.0 * bend)

    def _inside(self, low: float, high: float) -> FloatArray:
        """Part of every channel between two energies."""
        half = 0.5 * np.gradient(self.x)
        part = (np.minimum(self.x + half, high) - np.maximum(self.x - half, low)) / (2.0 * half)
        return np.clip(part, 0.0, 1.0)

    def _centroid(self, off: FloatArray, data: Data, onset: float) -> float:
        if not np.isfinite(onset) or onset + self.setup.centroid > self.x[-1]:
            return _NAN
        weights = self._inside(onset, onset + self.setup.centroid)
        total = data.sum(weights) - float(weights @ off)
        d = weights * (self.x - onset)
        moment = data.sum(d) - float(d @ off)
        return onset + moment / total if total > 0 else _NAN

    def _line(self, off: FloatArray, data: Data) -> tuple[float, float, float]:
        """Middle, level and slope of the straight line behind L2."""
        assert self.after is not None
        inside = (self.x >= self.after[0]) & (self.x <= self.after[1])
        x = self.x[inside]
        middle = float(np.mean(x))
        projection = np.linalg.pinv(np.stack((np.ones_like(x), x - middle), axis=1))
        found = []
        for row in projection:
            weights = np.zeros_like(self.x)
            weights[inside] = row
            found.append(data.sum(weights) - float(weights @ off))
        return middle, found[0], found[1]

    def _windows(self, e3: float, e2: float) -> tuple[FloatArray, FloatArray]:
        """Channels of L3 and of L2; where the windows meet they part in the middle."""
        half3, half2 = self.setup.halves
        middle = 0.5 * (e3 + e2)
        return self._inside(e3 - half3, min(e3 + half3, middle)), self._inside(max(e2 - half2, middle), e2 + half2)

    def _pearson(
        self, off: FloatArray, steps: FloatArray, data: Data, e3: float, e2: float
    ) -> tuple[float, float]:
        """Intensities above the double step; its height from the line behind L2, or from the joint model."""
        if self.after is not None:
            middle, level, slope = self._line(off, data)
            total = float(np.max(steps)) or 1.0
            steps = steps / total * (level + slope * (self.x - middle))
        return tuple(data.sum(w) - float(w @ (off + steps)) for w in self._windows(e3, e2))  # type: ignore[return-value]

    def _walsh(self, off: FloatArray, data: Data, e3: float, e2: float, onset: float) -> tuple[float, float]:
        """Intensities above the straight line behind L2, which begins at the onset of L3."""
        if self.after is None or not np.isfinite(onset):
            return _NAN, _NAN
        middle, level, slope = self._line(off, data)
        curve = (level + slope * (self.x - middle)) * self._inside(onset, float(self.x[-1]) + 1.0)
        return tuple(data.sum(w) - float(w @ (off + curve)) for w in self._windows(e3, e2))  # type: ignore[return-value]

    def quantities(self) -> Quantities:
        """All of them with their covariance."""
        values, covariance = self.linear.of(self._all)
        rows = self._rows(values)
        moved = np.array([row[0].endswith(RELATIVE) for row in rows])
        if self.setup.reference in ("zero loss", "C K"):
            covariance = covariance + self.setup.reference_error**2 * np.outer(moved, moved)
        errors = np.sqrt(np.where(np.diag(covariance) >= 0, np.diag(covariance), _NAN))
        errors = np.where(errors > 0, errors, _NAN)
        found = tuple(
            Quantity(key, name, float(v), float(e) if np.isfinite(v) else _NAN, unit, how)
            for (key, name, unit, how), v, e in zip(rows, values, errors, strict=True)
        )
        chi2 = self.result.reduced_chi2 if self.result.noise.known else _NAN
        return Quantities(found, covariance, self.notes, chi2)

    def _rows(self, values: FloatArray) -> list[tuple[str, str, str, str]]:
        reference = self.setup.reference
        how = {
            "l3_onset": "half the height of the fitted rise",
            "l3_inflexion": "steepest place of the fitted rise",
            "l3_maximum": "vertex of a parabola through the data about the top",
            "l3_centroid": f"centre of gravity above the double step, {self.setup.centroid:g} eV from the onset on",
        }
        rows = [(key, name, "eV", how[key]) for key, name in POSITIONS.items()]
        rows += [(key + RELATIVE, f"{name} − {reference}", "eV",
                  "no internal reference is chosen" if reference == "none" else f"{how[key]}, counted from {reference}")
                 for key, name in POSITIONS.items()]
        line = (f"height from a line over {self.after[0]:.0f}–{self.after[1]:.0f} eV" if self.after is not None
                else "height from the joint model: too little room behind L2 for a line over 50 eV")
        no_line = "" if self.after is not None else self._no_room()
        rows += [
            ("splitting", "L2 − L3", "eV", "distance of the main lines of the fit"),
            ("ratio_fit", "L3/L2, fitted lines", "", "areas of the lines of the joint model"),
            ("ratio_pearson", "L3/L2, double step", "", f"{line}; {_PEARSON}"),
            ("ratio_walsh", "L3/L2, straight line", "", no_line or f"line behind L2, begun at the L3 onset; {_WALSH}"),
            ("white_to_step", "(L3 + L2)/H", "eV", f"intensity of the white lines over the step; {_PEARSON}"),
            ("step", "H", "counts", "height of the double step in the joint model, single scattering"),
            ("oxygen", "O K, first line", "eV", "of the fit" if np.isfinite(values[-1]) else "O K is not fitted"),
        ]
        return rows

    def _no_room(self) -> str:
        if self.setup.oxygen != "none":
            return "refused: O K begins too soon behind L2 for a straight line over 50 eV"
        return f"refused: fewer than {LEAST_AFTER:.0f} eV are recorded or chosen behind L2 for a straight line"


def _vertex(x: FloatArray, y: FloatArray, i: int) -> tuple[float, float]:
    """Vertex of the parabola through three neighbours."""
    if not 0 < i < x.size - 1:
        return float(x[i]), float(y[i])
    left, middle, right = y[i - 1], y[i], y[i + 1]
    bend = left - 2.0 * middle + right
    if not bend < 0:
        return float(x[i]), float(middle)
    shift = 0.5 * (left - right) / bend
    return float(x[i] + shift * (x[i + 1] - x[i])), float(middle - 0.25 * (left - right) * shift)


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 and math.isfinite(a) else _NAN
