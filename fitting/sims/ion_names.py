"""What ions are called: chemically written, with every name that the mass resolution leaves possible."""

from __future__ import annotations

from functools import lru_cache

from libraries.errors import SodaliteError
from libraries.ion_list import Candidate, candidates, listed_ions, resolution_needed
from libraries.ions import Ion, Label, parse_label, written

# The program's own default where nobody says more: the source paper has m/dm above 6000 at Na2OH+ (62.98 u).
RESOLUTION = 6000.0
USUAL = 0.1  # an isotopologue below this share of its formula is no usual name for a line
_LONGEST = 48


@lru_cache(maxsize=8)
def _listed(polarity: str) -> tuple[Candidate, ...]:
    return candidates(listed_ions(polarity))  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def alternatives(ion: Ion, resolution: float = RESOLUTION) -> tuple[Candidate, ...]:
    """Ions of the shipped list, and their isotopologues, that a line of this ion may hold as well, the nearest first.

    Parameters
    ----------
    ion : Ion
    resolution : float
        m/dm, full width at half maximum.

    Returns
    -------
    tuple of Candidate
        Those nearer than one line width; ions of the same atoms are no alternative.
    """
    near = [one for one in _listed(ion.polarity)
            if resolution_needed(one.ion.mz, ion.mz) > resolution and not one.ion.same_atoms(ion)]
    return tuple(sorted(near, key=lambda one: abs(one.ion.mz - ion.mz)))


def usual_alternatives(ion: Ion, resolution: float = RESOLUTION) -> tuple[Ion, ...]:
    """Those of `alternatives` that are the common isotopologue of their formula: they go into every label."""
    return tuple(one.ion for one in alternatives(ion, resolution) if one.share >= USUAL)


def words_of(text: str, resolution: float = RESOLUTION) -> str:
    """The head of a column as people write it.

    Parameters
    ----------
    text : str
        "Na_2F+", "PF_6-", "^206PbI-, ^207PbI-PbI-", "I+ / ( Pb+ )", "total".
    resolution : float

    Returns
    -------
    str
        "Na₂F⁺", "PF₆⁻ or Na₃F₄⁻", "Σ PbI⁻ (3 isotopes)", "I⁺ / Pb⁺", "Total"; a free name stays as it is.
    """
    return _words(parse_label(text), resolution)


@lru_cache(maxsize=4096)
def _words(label: Label, resolution: float) -> str:
    plain = label.text.strip()
    if label.kind == "total":
        return plain[:1].upper() + plain[1:]
    if label.kind == "ratio":
        upper, lower = (_group(ions) for ions in (label.ions, label.divisor))
        return f"{upper} / {lower}" if upper and lower else plain
    if not label.ions:
        return plain
    if label.kind == "sum":
        return _group(label.ions)
    names = [written(ion) for ion in (label.ions[0], *usual_alternatives(label.ions[0], resolution))]
    return " or ".join(dict.fromkeys(names))


def _group(ions: tuple[Ion, ...]) -> str:
    """One ion, all isotopologues of a formula together, or a sum."""
    if len(ions) <= 1:
        return written(ions[0]) if ions else ""
    if len({(ion.elements, ion.charge) for ion in ions}) == 1:
        plain = min(ions, key=lambda ion: sum(number > 0 for _, number, _ in ion.atoms))
        if not plain.labelled:
            return f"Σ {written(plain)} ({len(ions)} isotopes)"
    joined = " + ".join(written(ion) for ion in ions)
    return joined if len(joined) <= _LONGEST else f"{written(ions[0])} + {len(ions) - 1} more"


def polarity_of(labels: tuple[str, ...]) -> str:
    """"positive" or "negative" as the ions of channels say; "" where they say neither, "mixed" where both."""
    found = set()
    for text in labels:
        try:
            label = parse_label(text)
        except SodaliteError:
            continue
        found.update(ion.polarity for ion in (*label.ions, *label.divisor))
    return "mixed" if len(found) > 1 else next(iter(found), "")
