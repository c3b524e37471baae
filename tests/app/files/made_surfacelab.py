"""Texts of SurfaceLab made line by line: depth profiles and mass spectra."""

from __future__ import annotations

HEADS = ("Sputter Time (s)", "Dose (ions)", "Fluence (ions/cm^2)")
IONS = (("total", 0.0), ("Na_2F+", 64.9774), ("PbI+", 334.8854), ("^207PbI+", 333.8854), ("SnO+", 135.9143),
        ("SnO+", 135.8979), ("^207PbI+PbI+", 0.0), ("^13CC_2H_5+", 42.0))
ROWS = ((900, 40, 30, 12, 5, 4, 42, 7), (800, 35, 33, 13, 6, 3, 46, 0), (700, 20, 41, 0, 7, 2, 41, 1))


def plain(value):
    """A number as C's %g writes it."""
    return value if isinstance(value, str) else f"{value:.6g}"


def profile(
    rows=ROWS, ions=IONS, ratios=(), smoothing="Disabled", heads=HEADS, scales=None, end="\r\n", tail="\t", first=1,
):
    """A depth profile.

    rows: counts, one tuple a point. ratios: (label, numbers of all points). scales: one tuple a point for `heads`.
    """
    if scales is None:
        scales = [(1.4666 * i, 2.5e6 + 9e9 * i, 1e11 + 3.9e12 * i)[: len(heads)] for i in range(len(rows))]
    names = [name for name, _ in ions] + [label for label, _ in ratios]
    masses = [f"{mass:.4f}" if mass else "N/A" for _, mass in ions] + ["N/A" for _ in ratios]
    blank = [""] * len(heads)
    lines = [f"# Profile Smoothing is {smoothing}"] if smoothing else []
    lines.append("\t".join(["#", *blank, *names]) + tail)
    lines.append("\t".join(["#", *blank, *masses]) + tail)
    lines.append("\t".join(["#Data Point #", *heads, *["Intensity"] * len(names)]) + tail)
    for i, row in enumerate(rows):
        cells = [str(first + i), *map(plain, scales[i]), *map(plain, row), *(plain(v[i]) for _, v in ratios)]
        lines.append("\t".join(cells) + tail)
    return end.join(lines) + end


SLOPE, OFFSET = 33391.57, -414.25


def spectrum(
    counts=tuple(i % 7 for i in range(200)), law=(SLOPE, OFFSET), first=100, step=200, dead="on", end="\r\n", shift=0.0,
):
    """A mass spectrum with channel and m/z to six decimals; `shift` is added to the last m/z."""
    lines = [f"# Binning: {step} channels", f"# Deadtime Correction: {dead}", "Channel\tm/z\tIntensity"]
    for i, count in enumerate(counts):
        channel = first + i * step
        mass = ((channel - law[1]) / law[0]) ** 2 + (shift if i == len(counts) - 1 else 0.0)
        lines.append(f"{channel}\t{mass:.6f}\t{count}")
    return end.join(lines) + end
