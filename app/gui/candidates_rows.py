"""Candidate models as rows of texts."""

from __future__ import annotations

import math

from app.gui.table_view import Cell, Column
from fitting.xps.candidates.rank import Candidate, Candidates, spread

LONGEST = 40  # letters of a candidate's name
COLUMNS = (
    Column("Candidate", False, "Chemical states, or energies of plain peaks"),
    Column("Verdict", False, "What the tests of k against k + 1 states say; you decide"),
    Column("States", True),
    Column("ΔAICc", True, "AICc above the lowest: below 2 as good, above 10 without support"),
    Column("χ²ᵣ", True, "Reduced χ²"),
    Column("Starts", True, "How many of the starts ended in this minimum"),
    Column("Plausible", False, "Energies beside the cited ranges, widths beside the cited ones, bounds"),
    Column("Residuals", False, "Whether neighbouring residuals go together (runs and correlation, 1 %)"),
    Column("ΔBIC", True, "BIC above the lowest"),
    Column("Weight", True, "Akaike weight among these candidates"),
    Column(""),
)
SHORT = {"more states: not determined": "not determined"}
ROLES = {"supported": "good", "as good": "", "possible": "", "worse": "muted", "too few states": "muted"}


def candidate_rows(found: Candidates) -> list[list[Cell]]:
    """One row a candidate, best AICc first."""
    lowest = min(c.bic for c in found.found)
    return [_row(c, lowest, c is found.supported) for c in found.found]


def _row(c: Candidate, lowest_bic: float, supported: bool) -> list[Cell]:
    label = c.label if len(c.label) <= LONGEST else c.label[: LONGEST - 1].rstrip(" +") + "…"
    known = c.result.noise.known
    s = c.structure
    details = f"Durbin–Watson {s.durbin_watson:.2f}, correlation {s.correlation:+.2f}, {s.runs} runs, p = {s.p:.2g}"
    remarks = "\n".join(c.remarks)
    number = len(c.remarks)
    return [
        Cell(label, states_text(c), bold=supported),
        Cell(SHORT.get(c.verdict, c.verdict), c.verdict, ROLES.get(c.verdict, "muted")),
        Cell(str(c.size)),
        Cell(f"{c.delta:.1f}", f"AICc {c.aicc:.2f}"),
        Cell(f"{c.result.reduced_chi2:.2f}" if known else "–", "" if known else "The noise is not known",
             "warning" if c.result.exceeds_noise else ""),
        Cell(f"{c.hits}/{c.starts}", "A minimum that few starts reach may not be the lowest",
             "warning" if 2 * c.hits < c.starts else ""),
        Cell("yes" if not number else "1 remark" if number == 1 else f"{number} remarks", remarks,
             "" if not number else "warning"),
        Cell("structure" if s.left else "none left", details, "warning" if s.left else ""),
        Cell(f"{c.bic - lowest_bic:.1f}", f"BIC {c.bic:.2f}"),
        Cell(f"{100 * c.weight:.0f} %"),
        Cell(""),
    ]


def states_text(c: Candidate) -> str:
    """Every state with energy, width and area, one a line."""
    lines = []
    for s in sorted(c.states, key=lambda s: s.position):
        error = f" ± {s.position_error:.2f}" if math.isfinite(s.position_error) else ""
        found = f"  ({s.compounds})" if s.compounds else ""
        lines.append(f"{s.name}: {s.position:.2f}{error} eV, width {s.fwhm:.2f} eV, area {s.area:.5g}{found}")
    if c.also:
        lines.append(f"The same curve: {'; '.join(c.also)}")
    return "\n".join(lines)


def spread_text(found: Candidates) -> str:
    """Shares over all candidates that cannot be ruled out."""
    rows = spread(found)
    lines = [f"{s.name}: {100 * s.share_low:.1f} to {100 * s.share_high:.1f} %" for s in rows]
    return "Shares over the candidates with ΔAICc below 10\n" + "\n".join(lines)


def note_text(found: Candidates, c: Candidate | None) -> str:
    """What stands below the table: the chosen candidate's remarks, in one or two lines."""
    if c is None:
        return ""
    more = "" if len(c.also) < 2 else f" and {len(c.also) - 1} more"
    parts = [f"The same curve: {c.also[0]}{more}"] if c.also else []
    return ". ".join([*c.remarks, *parts]) + "." if c.remarks or parts else "Energies and widths are as cited."
