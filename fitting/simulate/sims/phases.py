"""Phases of a simulated interphase on hard carbon, and how many ions of each kind they give.

Which phases there are, in which order, and which ions stand for them follows Schaefer et al., Adv. Energy Mater. (2024)
(hard carbon cycled in 1 M NaClO4 in PC with FEC: organic outermost, chlorine oxides, sodium oxide and hydroxide, halide
salts, bulk). How many of each ion a phase gives is chosen for this simulation: no measured yields are known to us.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from libraries.ions import parse_ion


@dataclass(frozen=True)
class Phase:
    """A layer.

    Attributes
    ----------
    name : str
    thickness : float
        Mean over all pixels, nm; of the bulk what is sputtered of it.
    rate : float
        nm/s.
    """

    name: str
    thickness: float
    rate: float


PHASES: tuple[Phase, ...] = (
    Phase("Organic", 8.0, 0.100),
    Phase("Chlorine oxides", 8.0, 0.080),
    Phase("Oxide and hydroxide", 9.0, 0.055),
    Phase("Halide salts", 11.0, 0.070),
    Phase("Bulk", 12.0, 0.060),
)
# Ions in 1000 pulses from each phase, in the order of `PHASES`.
_POSITIVE = """
C+              1.5   0.5   0.2   0.5   14
CH3+            9     1.0   0.3   0.4   1.0
Na+             350   500   900   700   420
C2H3+           16    1.2   0.4   0.6   4
CHO+            7     0.8   0.3   0.2   0.2
C2H5+           12    0.8   0.2   0.3   1.2
CH3O+           6     0.5   0.3   0.1   0.1
C3H3+           6     0.6   0.2   0.4   6
NaOH+           0.6   2.0   9     1.0   0.5
C3H5+           11    0.7   0.2   0.3   2.5
NaF+            0.3   0.5   0.8   5     0.2
C2H3O+          9     0.6   0.2   0.1   0.1
C3H7+           7     0.4   0.1   0.1   0.4
Na2+            2     5     14    12    8
Na2H+           1.0   2.0   6     1.5   2.0
Na2O+           0.4   2.5   9     1.2   0.6
Na2OH+          3     8     45    5     2.0
Na2F+           0.8   1.6   3     32    1.0
Na3+            0.2   0.5   1.5   1.5   1.2
Na2C2H+         0.4   0.3   0.3   0.4   9
Na2CN+          0.2   0.1   0.1   0.2   1.4
Na2Cl+          0.9   12    2.5   22    0.6
Na2^37Cl+       0     0     0     0     0
NaCO3+          2.5   0.8   0.6   0.2   0.1
Na3O+           0.3   2.0   13    1.2   0.5
Na3OH+          0.2   0.7   5     0.5   0.2
Na3F+           0.05  0.1   0.2   2.2   0.1
Na2CHO2+        5     0.7   0.5   0.2   0.1
Na2ClO+         0.3   9     0.9   0.8   0.1
Na3Cl+          0.1   0.8   0.3   3     0.1
Na2CO3+         6     2.5   2.0   0.6   0.2
Na3F2+          0.1   0.3   0.4   9     0.2
Na2HCO3+        4     0.8   0.5   0.1   0.1
Na4OH+          0.05  0.3   2.5   0.2   0.1
Na2ClO3+        0.1   4     0.2   0.2   0.05
Na3CO3+         3     1.5   1.2   0.3   0.1
Na2ClO4+        0.1   3     0.1   0.1   0.02
Na4F3+          0.02  0.05  0.1   2.5   0.05
Na3ClO4+        0.05  1.2   0.05  0.05  0.01
"""
_NEGATIVE = """
C-              6     1.5   0.5   1.0   24
CH-             14    1.5   0.6   1.0   9
O-              40    90    160   25    6
OH-             30    40    110   12    5
F-              12    25    20    240   9
C2-             8     1.2   0.4   1.2   60
C2H-            30    2.0   0.6   1.2   30
Cl-             40    650   120   900   25
^37Cl-          0     0     0     0     0
C3-             2     0.4   0.1   0.4   18
C3H-            5     0.4   0.1   0.3   8
NaO-            0.5   2.5   11    1.0   0.3
NaOH-           0.3   1.0   5     0.5   0.2
C2HO-           9     0.8   0.4   0.2   0.3
NaF-            0.1   0.2   0.3   2.0   0.1
C2H3O-          6     0.5   0.2   0.1   0.1
CHO2-           16    1.5   1.0   0.3   0.2
C4-             1.5   0.2   0.1   0.3   22
C4H-            4     0.3   0.1   0.3   16
ClO-            1.0   34    1.5   1.2   0.2
^37ClO-         0     0     0     0     0
NaCl-           0.1   1.5   0.4   4     0.1
C2H3O2-         7     0.5   0.2   0.1   0.1
CO3-            3     1.0   0.8   0.2   0.1
NaF2-           0.3   0.5   0.8   26    0.3
CHO3-           5     0.6   0.5   0.1   0.1
Na2O-           0.1   0.5   3     0.3   0.1
ClO2-           0.5   22    0.5   0.4   0.1
NaCO3-          4     1.2   1.2   0.3   0.1
ClO3-           0.8   45    0.6   0.5   0.1
^37ClO3-        0     0     0     0     0
NaCl2-          0.2   4     1.0   18    0.3
ClO4-           0.6   24    0.3   0.3   0.05
C6-             0.5   0.1   0.05  0.2   9
Na2F3-          0.02  0.05  0.1   3     0.05
Na2Cl3-         0.02  0.3   0.1   1.5   0.02
Na3F4-          0.01  0.01  0.03  0.8   0.01
"""
# Shares of the lighter isotope in natural abundance follow from `libraries.isotopes`, not from the table.


@dataclass(frozen=True, eq=False)
class Yields:
    """Ions of one polarity.

    Attributes
    ----------
    ions : tuple of str
    masses : array, shape (n,)
        Exact m/z.
    yields : array, shape (k, n)
        Ions in one pulse from each phase.
    """

    ions: tuple[str, ...]
    masses: FloatArray
    yields: FloatArray


def yields(polarity: str) -> Yields:
    """The ions of a polarity ("positive" or "negative") in ascending m/z, heavier chlorine by its abundance."""
    rows = [line.split() for line in (_POSITIVE if polarity == "positive" else _NEGATIVE).strip().splitlines()]
    table = {row[0]: np.array([float(word) for word in row[1:]]) / 1000.0 for row in rows}
    for name in table:
        if "^37Cl" in name:
            light = name.replace("^37Cl", "Cl")
            table[name] = table[light] * _heavier(light)
    order = sorted(table, key=lambda name: parse_ion(name).mz)
    masses = np.array([parse_ion(name).mz for name in order])
    return Yields(tuple(order), masses, np.array([table[name] for name in order]).T)


def _heavier(ion: str) -> float:
    """Ions with one 37Cl over those with 35Cl alone."""
    from libraries.isotopes import isotope

    count = dict(parse_ion(ion).elements)["Cl"]
    return count * isotope("Cl", 37).abundance / isotope("Cl", 35).abundance
