"""X-ray satellites of unmonochromated tubes: their photoelectrons are taken out of a spectrum.

X-rays of a satellite have d more energy than the main line, so that each photoelectron line appears once more, d below
its binding energy, with the satellite's share f of its height. With p the spectrum of the main line alone,

    j(E) = p(E) + sum f p(E + d)        (E binding energy),

which is solved for p. Beyond the high-binding-energy end p is taken to go on at its last level. Auger electrons have
the same kinetic energy whatever made them, so that a window can be named whose lines cast no satellites. Satellites are
taken to be as wide as the main line, which they are not quite: faint ripples stay below strong lines.

References
----------
The forward model is that of C. D. Wagner et al., Handbook of X-ray Photoelectron Spectroscopy (1979) (cited, not read).
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.processing.noise import channel_variance, local_mean, noted, with_variance
from fitting.processing.step import Step
from libraries.errors import BadData, BadModel
from libraries.xray_satellites import xray_satellites

_MAX_PASSES = 200
_AVERAGE = 5  # channels whose mean goes on beyond the end


def satellites_step(anode: str, auger: tuple[float, float] | None = None) -> Step:
    """The step for an anode, with displacements and heights of the library written into it.

    Parameters
    ----------
    anode : "Al" or "Mg"
    auger : (low, high), optional
        Window in eV binding energy whose lines cast no satellites.
    """
    lines = xray_satellites(anode)
    text = "; ".join(f"{line.displacement:g} {line.height:g}" for line in lines)
    params: list[tuple[str, float | str]] = [("anode", anode), ("lines", text)]
    if auger is not None:
        params += [("auger_low", min(auger)), ("auger_high", max(auger))]
    unsure = any(line.confidence == "unverified" for line in lines)
    return Step("satellites", tuple(params), "energies and heights of the library" + (", unverified" if unsure else ""))


def parse_lines(text: str) -> tuple[tuple[float, float], ...]:
    """Pairs of displacement in eV and relative height: "9.8 0.064; 11.8 0.032".

    Raises
    ------
    BadModel
        If the text is none, a displacement is not above zero, or the heights do not stay below one half in sum.
    """
    try:
        pairs = tuple(
            (float(d), float(f)) for d, f in (part.split() for part in text.split(";") if part.strip())
        )
    except ValueError:
        pairs = ()
    good = all(np.isfinite(d) and d > 0 and np.isfinite(f) and f >= 0 for d, f in pairs)
    if not pairs or not good or sum(f for _, f in pairs) >= 0.5:
        raise BadModel(
            "Satellites are pairs of displacement in eV and relative height",
            where=text[:60],
            todo="Write for example: 9.8 0.064; 11.8 0.032",
        )
    return pairs


def satellites(spectrum: Spectrum, step: Step) -> Spectrum:
    """The spectrum without the photoelectrons of X-ray satellites.

    What was taken away leaves its scatter behind: the variance of a channel stays that of all its counts, and what is
    subtracted adds f**2 of that of its source.
    """
    lines = parse_lines(step.text("lines"))
    axis = spectrum.axis
    if axis.quantity != "binding_energy":
        raise BadData("Satellites are taken out on an axis of binding energy", where=spectrum.name)
    window = None
    if step.has("auger_low"):
        window = (step.number("auger_low"), step.number("auger_high"))
    total = spectrum.y.reshape(-1, axis.values.size)
    cast = np.array([_cast(axis.values, row, lines, window) for row in total]).reshape(spectrum.y.shape)
    done = spectrum.with_(counts=spectrum.y - cast)
    variance = channel_variance(spectrum)
    if variance is not None:
        each = [f**2 * _source(axis.values, local_mean(v), d) for v in variance.reshape(total.shape) for d, f in lines]
        added = np.array(each).reshape(len(total), len(lines), -1).sum(axis=1)
        variance = variance + added.reshape(variance.shape)
    words = f"{step.text('anode', 'own')} tube: {step.text('lines')}"
    done = noted(done, "X-ray satellites", f"taken out, {words}")
    if spectrum.noise.kind == "unknown":
        return done
    return with_variance(done, variance, spectrum.noise, "satellites taken out")


def _source(x: FloatArray, p: FloatArray, displacement: float) -> FloatArray:
    """p(E + d); beyond the end its last level."""
    return np.interp(x + displacement, x, p, right=float(np.mean(p[-_AVERAGE:])))


def _cast(
    x: FloatArray, j: FloatArray, lines: tuple[tuple[float, float], ...], window: tuple[float, float] | None
) -> FloatArray:
    """What the satellites add, by repeated subtraction: each pass is right down to the next power of sum f."""
    result = np.zeros_like(j)
    for _ in range(_MAX_PASSES):
        p = j - result
        if window is not None:
            p = _bridged(x, p, *window)
        fresh = np.sum([f * _source(x, p, d) for d, f in lines], axis=0)
        moved = float(np.max(np.abs(fresh - result)))
        result = fresh
        if moved <= 1e-12 * float(np.max(np.abs(j)) + 1e-300):
            break
    return result


def _bridged(x: FloatArray, p: FloatArray, low: float, high: float) -> FloatArray:
    """p with a straight line across a window."""
    inside = (x >= low) & (x <= high)
    if not inside.any() or inside.all():
        return p
    result = p.copy()
    smooth = local_mean(p)
    result[inside] = np.interp(x[inside], x[~inside], smooth[~inside])
    return result
