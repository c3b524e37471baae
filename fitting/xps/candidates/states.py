"""The chemical states of C 1s, O 1s, V 2p, Na 1s, F 1s, P 2p, Cl 2p, S 2p and N 1s.

No energy stands here: each state names rows of the library (`libraries.compounds`), and its range, its centre and its
sources are theirs. Rows on adventitious carbon are preferred to others of the same substance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import median

from fitting.model import Param
from fitting.xps.candidates.grammar import (
    Grammar,
    Keys,
    Part,
    Profile,
    State,
    conflict_texts,
    spin_orbit,
    with_minors,
)
from libraries.compounds import ReferenceLine, conflicts, differences, reference_lines
from libraries.elements import Line, parse_line
from libraries.errors import BadModel

Rows = tuple[tuple[str, str], ...]  # (compound, group)


@dataclass(frozen=True)
class _Class:
    """One state as rows of the library, and its rules."""

    line: str
    key: str
    name: str
    rows: Rows
    profile: str = "line"
    needs: Keys = ()
    excludes: Keys = ()
    second: tuple[str, str, float] | None = None  # (compound, group, area ratio) of a second site
    quantify: bool = True


def _of(text: str) -> Rows:
    """Rows from "PEO:C-O, graphite"."""
    pairs = (part.strip().partition(":") for part in text.split(";"))
    return tuple((compound, group) for compound, _, group in pairs)


_CLASSES: tuple[_Class, ...] = (
    _Class("C 1s", "sp2", "sp² C", _of("graphite; hard carbon:sp2"), "sp2"),
    _Class("C 1s", "sp3", "C–C/C–H", _of("aliphatic carbon:sp3")),
    _Class("C 1s", "ether", "C–O", _of("oxidised carbon:C-O; PEO:C-O; poly-THF:C-O; cellulose:C-O; "
           "ester (polyvinyl acetate, adipate):C-O; poly(alkyl carbonate):C-O")),
    _Class("C 1s", "pvdf", "PVDF CH₂", _of("PVDF:CH2"), second=("PVDF", "CF2", 1.0)),  # (CH2-CF2)n
    _Class("C 1s", "carbonyl", "C=O/O–C–O", _of("oxidised carbon:C=O; cellulose:O-C-O")),
    _Class("C 1s", "carboxyl", "O–C=O", _of("oxidised carbon:O-C=O; sodium acetate:COO; "
           "ester (polyvinyl acetate, adipate):O-C=O; Na2C2O4:")),
    _Class("C 1s", "carbonate", "CO₃", _of("Na2CO3:; NaHCO3:")),
    # A carbonate ester has its C-O carbon too.
    _Class("C 1s", "alkyl carbonate", "O–C(=O)–O", _of("poly(alkyl carbonate):O-C(=O)-O; "
           "aromatic polycarbonate:O-C(=O)-O; diphenyl carbonate:O-C(=O)-O"), needs=("ether",)),
    # The shake-up of sp2 carbon: not without it, and broader than a line.
    _Class("C 1s", "pi", "π–π*", _of("hard carbon:pi-pi*"), "shake-up", needs=("sp2",)),
    _Class("C 1s", "tfsi", "CF₃", _of("TFSI-:CF3"), excludes=("ptfe",)),
    _Class("C 1s", "ptfe", "CF₂ (PTFE)", _of("PTFE:CF2"), excludes=("tfsi",)),
    _Class("O 1s", "oxide", "oxide", _of("Na2O:; V2O5:; NaVO3:")),
    _Class("O 1s", "phosphate", "P–O/COO⁻", _of("Na3PO4:; CuZr2(PO4)3:; VOPO4:; (VO)2P2O7:; sodium acetate:")),
    _Class("O 1s", "carbonate O", "CO₃/S=O", _of("Na2CO3:; TFSI-:; NaPO3:terminal; (NaPO3)3:terminal")),
    _Class("O 1s", "ether O", "C–O/C=O/OH", _of("PEO:; poly-THF:; poly(alkyl carbonate):C=O; "
           "poly(trimethylene carbonate):C=O; NaOH:")),
    _Class("O 1s", "perchlorate O", "ClO₄", _of("NaClO4:"), excludes=("bridging O", "ester O")),
    # Chain oxygen of metaphosphates has the terminal one beside it.
    _Class("O 1s", "bridging O", "P–O–P", _of("NaPO3:bridging; (NaPO3)3:bridging"), needs=("carbonate O",),
           excludes=("ester O",)),
    _Class("O 1s", "ester O", "C–O of esters", _of("poly(alkyl carbonate):C-O; poly(trimethylene carbonate):C-O"),
           needs=("ether O",)),
    _Class("V 2p", "V metal", "V", _of("V metal:"), "metal"),
    _Class("V 2p", "V nitride", "VN", _of("VN:; VN on Na:"), "metal"),  # a metallic conductor: its line has a tail
    _Class("V 2p", "V3", "V(III) oxide", _of("V(III) oxide, O 1s at 530.0:")),
    _Class("V 2p", "V4", "V(IV) oxide", _of("VO2:; V(IV) oxide, O 1s at 530.0:")),
    _Class("V 2p", "V4 phosphate", "V(IV) phosphate", _of("(VO)2P2O7:; VOPO4 (reduced):"), excludes=("V5",)),
    _Class("V 2p", "V5", "V(V) oxide", _of("V2O5:; NaVO3:; Na3VO4:; V(V) oxide, O 1s at 530.0:"),
           excludes=("V4 phosphate",)),
    _Class("V 2p", "V5 phosphate", "V(V) phosphate", _of("VOPO4:")),
    _Class("Na 1s", "Na salt", "Na⁺", _of("NaF:; Na2CO3:; NaHCO3:; Na2C2O4:; NaClO4:; Na3PO4:; NaPO3:; Na2SO4:")),
    _Class("Na 1s", "Na oxide", "Na₂O/NaOH/BF₄", _of("Na2O:; NaOH:; NaBF4:")),
    _Class("Na 1s", "Na metal", "Na metal", _of("Na metal:; Na metal film on HOPG:"), "plasmons"),
    _Class("F 1s", "fluoride", "NaF", _of("NaF:; TFSI decomposition product:fluoride")),
    _Class("F 1s", "fluoroanion", "P–O–F/BF₄/SiF₆", _of("PF(OC2H5)2:; NaBF4:; Na2SiF6:")),
    _Class("F 1s", "PF6", "PF₆/TFSI", _of("PF6-:; TFSI-:")),
    _Class("F 1s", "PVDF F", "PVDF", _of("PVDF:")),
    _Class("F 1s", "PTFE F", "PTFE", _of("PTFE:")),
    _Class("P 2p", "phosphate P", "PO₄/P₂O₇", _of("Na3PO4:; Na4P2O7:; CuZr2(PO4)3:; VOPO4:")),
    _Class("P 2p", "metaphosphate P", "PO₃/PO₃F", _of("NaPO3:; (NaPO3)3:; Na2PO3F:")),
    _Class("P 2p", "PO2F2", "PO₂F₂", _of("KPO2F2:; (NH4)2PO3F:")),
    _Class("P 2p", "PF6 P", "PF₆", _of("NaPF6:; NH4PF6:; PF6-:")),
    _Class("Cl 2p", "chloride", "Cl⁻", _of("NaCl:")),
    _Class("Cl 2p", "chlorite", "ClO₂⁻", _of("NaClO2:")),
    _Class("Cl 2p", "chlorate", "ClO₃⁻", _of("NaClO3:")),
    _Class("Cl 2p", "perchlorate", "ClO₄⁻", _of("NaClO4:")),
    _Class("S 2p", "sulfide", "S²⁻", _of("Na2S:; TFSI decomposition product:sulfide"), excludes=("thiosulfate",)),
    # One sulfur of each kind a formula unit: S-SO3, and SO3-S-S-SO3.
    _Class("S 2p", "thiosulfate", "S₂O₃ outer S", _of("Na2S2O3:terminal S"), second=("Na2S2O3", "central S", 1.0)),
    _Class("S 2p", "tetrathionate", "S₄O₆ inner S", _of("Na2S4O6:inner S"), second=("Na2S4O6", "SO3", 1.0)),
    _Class("S 2p", "sulfite", "SO₃²⁻/RSO₂⁻", _of("Na2SO3:; sodium benzenesulfinate:")),
    _Class("S 2p", "sulfonate", "RSO₃⁻/TFSI", _of("sulfonate R-SO3Na:; TFSI-:")),
    _Class("S 2p", "sulfate", "SO₄²⁻", _of("Na2SO4:")),
    _Class("N 1s", "nitride", "VN", _of("VN:; VN on Na:")),
    _Class("N 1s", "imide", "TFSI", _of("TFSI-:")),
)
LINES: tuple[str, ...] = tuple(dict.fromkeys(item.line for item in _CLASSES))

_REMARKS = {
    "N 1s": "The library cites no N 1s of organic nitrogen; use plain peaks where that may be there.",
    "Na 1s": "Na 1s alone does not identify a compound: most of its spread is that of charge references. "
    "Compare differences (F 1s, O 1s) and the Auger parameter.",
    "O 1s": "Most O 1s ranges overlap: names give the kinds of oxygen that are cited there.",
}


def grammar_for(lines: Sequence[str]) -> Grammar:
    """The allowed models of one or several core levels in a region ("V 2p" and "O 1s").

    Raises
    ------
    BadModel
        If the library has no states for a line.
    """
    names = tuple(dict.fromkeys(_level(line) for line in lines))
    return _grammar(names)


def _level(text: str) -> str:
    line = parse_line(text)
    name = f"{line.element} {line.level[:2]}"
    if name not in LINES:
        raise BadModel(
            f"There are no chemical states for {name}", todo=f"Ask for plain peaks; states exist for {', '.join(LINES)}"
        )
    return name


@cache
def _grammar(names: tuple[str, ...]) -> Grammar:
    states = tuple(_state(item) for item in _CLASSES if item.line in names)
    states = _mutual(states)
    remarks = tuple(_REMARKS[n] for n in names if n in _REMARKS) + conflict_texts(conflicts(), names)
    return Grammar(" + ".join(names), states, _profiles(names), remarks=remarks)


def _mutual(states: tuple[State, ...]) -> tuple[State, ...]:
    """Exclusion holds both ways."""
    return tuple(
        replace(s, excludes=tuple(dict.fromkeys((*s.excludes, *(o.key for o in states if s.key in o.excludes)))))
        for s in states
    )


def _profiles(names: tuple[str, ...]) -> dict[str, Profile]:
    table: dict[str, Profile] = {}
    for name in names:
        kinds = {item.profile for item in _CLASSES if item.line == name}
        table |= with_minors({f"{name} {kind}": _form(kind) for kind in sorted(kinds)}, parse_line(name))
    return table


def _form(kind: str) -> Profile:
    """Metals and sp2 carbon have a tail to high binding energy, shake-ups no fixed width, sodium its plasmons."""
    if kind in ("sp2", "metal"):
        return Profile.usual("gl_tail", free=("mix", "tail"), fwhm=0.9)
    if kind == "plasmons":
        return Profile.usual("plasmon_train", free=("mix", "decay"))
    if kind == "shake-up":
        form = Profile.usual(free=(), fwhm=2.5)
        return replace(form, params=tuple((n, Param(2.5, 1.0, 6.0) if n == "fwhm" else p) for n, p in form.params))
    return Profile.usual()


def _rows(line: Line, wanted: Rows) -> tuple[ReferenceLine, ...]:
    """Rows of the library: of the major component where there are such, on adventitious carbon where there are such."""
    found: list[ReferenceLine] = []
    for compound, group in wanted:
        rows = [
            r for r in reference_lines()
            if r.compound == compound and r.group == group and r.line.components[0] == line.components[0]
        ]
        rows = [r for r in rows if r.line == line.components[0]] or rows
        rows = [r for r in rows if "adC" in r.reference] or rows
        if not rows:
            raise BadModel(f"The library has no {line.name} of {compound} {group}".rstrip())
        found.extend(rows)
    return tuple(found)


def _state(item: _Class) -> State:
    line = parse_line(item.line)
    rows = _rows(line, item.rows)
    profile = f"{item.line} {item.profile}"
    parts = list(spin_orbit(item.name, line, 0.0, 1.0, profile))
    if item.second is not None:
        compound, group, ratio = item.second
        offset = _distance(line, item.rows[0], (compound, group))
        name = f"{compound} {group}"
        source = _rows(line, ((compound, group),))[0].source
        parts.append(Part(name, line.components[0].name, offset, ratio, profile, source=source))
        parts.extend(spin_orbit(name, line, offset, ratio, profile))
    return State(
        item.key, item.name, line.components[0].name, min(r.low for r in rows), max(r.high for r in rows),
        round(float(median(r.central for r in rows)), 3), profile, parts=tuple(parts), needs=item.needs,
        excludes=item.excludes, quantify=item.quantify, compounds=", ".join(dict.fromkeys(r.label for r in rows)),
        source="; ".join(dict.fromkeys(r.source for r in rows)),
    )


def _distance(line: Line, first: tuple[str, str], second: tuple[str, str]) -> float:
    """Binding energy of a second site above the first: a cited difference, else that of the cited energies."""
    for item in differences(first[0]):
        same = item.upper.components[0] == item.lower.components[0] == line.components[0]
        if same and (item.upper_group, item.lower_group) == (second[1], first[1]):
            return item.central
    return round(_rows(line, (second,))[0].central - _rows(line, (first,))[0].central, 3)
