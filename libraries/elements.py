"""Element symbols, names and masses; names of spectral lines; chemical formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import xraylib

from libraries.errors import UnknownName
from libraries.tables import read_table

# Names by atomic number, IUPAC spelling.
NAMES: tuple[str, ...] = tuple(
    "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium aluminium silicon "
    "phosphorus sulfur chlorine argon potassium calcium scandium titanium vanadium chromium manganese iron cobalt "
    "nickel copper zinc gallium germanium arsenic selenium bromine krypton rubidium strontium yttrium zirconium "
    "niobium molybdenum technetium ruthenium rhodium palladium silver cadmium indium tin antimony tellurium iodine "
    "xenon caesium barium lanthanum cerium praseodymium neodymium promethium samarium europium gadolinium terbium "
    "dysprosium holmium erbium thulium ytterbium lutetium hafnium tantalum tungsten rhenium osmium iridium platinum "
    "gold mercury thallium lead bismuth polonium astatine radon francium radium actinium thorium protactinium uranium "
    "neptunium plutonium americium curium berkelium californium einsteinium fermium mendelevium nobelium "
    "lawrencium".split()
)
SYMBOLS: tuple[str, ...] = tuple(xraylib.AtomicNumberToSymbol(z) for z in range(1, len(NAMES) + 1))
_NUMBERS = {symbol: z for z, symbol in enumerate(SYMBOLS, start=1)}

ORBITALS = "spdf"
# Spin-orbit components of a subshell, the one of higher j (lower binding energy, larger) first.
COMPONENTS = {"p": ("3/2", "1/2"), "d": ("5/2", "3/2"), "f": ("7/2", "5/2")}

_CORE = re.compile(r"^(?P<element>[A-Za-z]{1,2}?)(?P<n>[1-7])(?P<orbital>[spdfSPDF])(?P<j>[1357](?:/?2)?)?$")
_AUGER = re.compile(r"^(?P<element>[A-Za-z]{1,2}?)(?P<level>[KLMNO][1-7]{0,3}[LMNOV][1-7]{0,3}[LMNOV][1-7]{0,3})$")
_NOISE = str.maketrans("", "", " \t_,-(){}$\u00a0")
_SUBSCRIPTS = str.maketrans("\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089", "0123456789")


@dataclass(frozen=True, order=True)
class Line:
    """A spectral line: an element and a level.

    Attributes
    ----------
    element : str
        Symbol, for example "V".
    level : str
        "1s", "2p" (both spin-orbit components), "2p3/2", or an Auger transition, "KLL", "KL23L23".
    kind : str
        "core" or "auger".
    """

    element: str
    level: str
    kind: str = "core"

    @property
    def name(self) -> str:
        """Canonical name, "V 2p3/2"."""
        return f"{self.element} {self.level}"

    @property
    def shell(self) -> str:
        """The level without its total angular momentum, "2p" of "2p3/2"; an Auger level unchanged."""
        return self.level[:2] if self.kind == "core" else self.level

    @property
    def unresolved(self) -> bool:
        """True for "V 2p", which stands for both spin-orbit components; False for "V 2p3/2", "C 1s" and Auger lines."""
        return self.kind == "core" and len(self.level) == 2 and self.level[1] != "s"

    @property
    def components(self) -> tuple[Line, ...]:
        """The single levels the line stands for: "V 2p" gives 2p3/2 and 2p1/2, any other line itself."""
        if not self.unresolved:
            return (self,)
        return tuple(Line(self.element, self.level + j) for j in COMPONENTS[self.level[1]])

    def __str__(self) -> str:
        return self.name


def atomic_number(element: str) -> int:
    """Atomic number of an element symbol ("Na", "na"); raises UnknownName."""
    symbol = element.strip().capitalize()
    if symbol not in _NUMBERS:
        raise UnknownName(f"No element has the symbol '{element}'", todo="Use a symbol such as Na, V or F")
    return _NUMBERS[symbol]


def symbol(number: int) -> str:
    """Element symbol of an atomic number 1 to 103; raises UnknownName."""
    if not 1 <= number <= len(SYMBOLS):
        raise UnknownName(f"No element has the atomic number {number}", todo=f"Use 1 to {len(SYMBOLS)}")
    return SYMBOLS[number - 1]


def element_name(element: str) -> str:
    """English name of an element symbol, "sodium" of "Na"; raises UnknownName."""
    return NAMES[atomic_number(element) - 1]


def atomic_mass(element: str) -> float:
    """Standard atomic weight in g/mol of an element symbol; raises UnknownName.

    Not taken from xraylib, whose weights are rounded to 0.01 and dated (Tm is off by 1 %).

    References
    ----------
    T. Prohaska et al., Pure Appl. Chem. 94, 573 (2022); tables/atomic_weights.csv.
    """
    return _weights()[symbol(atomic_number(element))]


@lru_cache(maxsize=1)
def _weights() -> dict[str, float]:
    return {row["symbol"]: float(row["weight"]) for row in read_table("atomic_weights.csv")}


@lru_cache(maxsize=4096)
def parse_line(text: str | Line) -> Line:
    """Read the name of a spectral line.

    Parameters
    ----------
    text : str or Line
        "V 2p3/2", "V2p3/2", "v 2p 3/2", "V 2p3", "C1s", "V2p", "Na KLL", "Na KL2,3L2,3"; a trailing "Scan A"
        as in spreadsheet exports is ignored. A Line is returned as it is.

    Returns
    -------
    Line

    Raises
    ------
    UnknownName
        If the text is no line of a known element, or the level cannot exist (such as 2d or 2p5/2).
    """
    if isinstance(text, Line):
        return text
    plain = re.sub(r"(?i)\b\s*(scan|region)\b.*$", "", text.translate(_SUBSCRIPTS)).translate(_NOISE)
    core = _CORE.match(plain)
    if core:
        return _core_line(core, text)
    # "na kll": the level is written in capitals, the symbol may have one letter or two.
    for spelling in (plain, plain[:2] + plain[2:].upper(), plain[:1] + plain[1:].upper()):
        auger = _AUGER.match(spelling)
        if auger:
            return Line(_symbol_of_line(auger["element"], text), auger["level"], "auger")
    raise _unknown_line(text)


def _symbol_of_line(element: str, text: str) -> str:
    symbol_ = element.capitalize()
    if symbol_ not in _NUMBERS:
        raise UnknownName(f"No element has the symbol '{element}'", where=f"line '{text}'",
                          todo="Write element and level, for example 'C 1s'")
    return symbol_


def _core_line(match: re.Match[str], text: str) -> Line:
    element = _symbol_of_line(match["element"], text)
    orbital = match["orbital"].lower()
    shell = match["n"] + orbital
    quantum = ORBITALS.index(orbital)
    if quantum >= int(match["n"]):
        raise UnknownName(f"There is no {shell} level", where=text, todo="Check the level, for example 2p or 3d")
    if match["j"] is None:
        return Line(element, shell)
    j = match["j"][0] + "/2"
    if orbital == "s" and j == "1/2":
        return Line(element, shell)
    if j not in COMPONENTS.get(orbital, ()):
        allowed = " or ".join(shell + c for c in COMPONENTS.get(orbital, ("",)))
        raise UnknownName(f"There is no {shell}{j} level", where=text, todo=f"Use {allowed}")
    return Line(element, shell + j)


def _unknown_line(text: str) -> UnknownName:
    return UnknownName(f"'{text}' is not the name of a spectral line",
                       todo="Write element and level, for example 'C 1s', 'V 2p3/2' or 'Na KLL'")




@lru_cache(maxsize=4096)
def parse_formula(text: str) -> tuple[tuple[str, float], ...]:
    """Read a chemical formula.

    Parameters
    ----------
    text : str
        "Na3V2(PO4)3", "Na0.5CoO2", "Na2S.9H2O"; a charge written with a sign at the end needs a caret or a bracket,
        or no digit: "PF6^-", "SO4(2-)", "PF6-".

    Returns
    -------
    tuple of (str, float)
        Symbol and number of atoms, in the order of first appearance.

    Raises
    ------
    UnknownName
        If the text is empty, holds an unknown symbol or unbalanced brackets.
    """
    plain = _strip_charge(text.translate(_SUBSCRIPTS).replace(" ", ""))
    counts: dict[str, float] = {}
    # An ASCII dot is a decimal point (Na0.5CoO2) except before water of crystallisation (CuSO4.5H2O), where the
    # factor multiplies only the part behind the dot.
    for part in re.split(r"[\u00b7*]|\.(?=\d*H2O$)", plain):
        lead = re.match(r"\d+(?:\.\d+)?", part)
        factor = float(lead.group()) if lead else 1.0
        for name, number in _formula_part(part[lead.end():] if lead else part, text).items():
            counts[name] = counts.get(name, 0.0) + factor * number
    return tuple(counts.items())


def _strip_charge(plain: str) -> str:
    for pattern in (r"\^\d*[+-]\d*$", r"\(\d*[+-]\)$", r"[+-]$"):
        shorter = re.sub(pattern, "", plain)
        if shorter != plain:
            return shorter
    return plain


def _formula_part(part: str, text: str) -> dict[str, float]:
    stack: list[dict[str, float]] = [{}]
    position = 0
    token = re.compile(r"([A-Z][a-z]?|[(\[]|[)\]])(\d+(?:\.\d+)?|\.\d+)?")
    while position < len(part):
        match = token.match(part, position)
        if not match:
            raise _bad_formula(text)
        position = match.end()
        head, number = match.group(1), float(match.group(2) or 1)
        if head in "([":
            if match.group(2):
                raise _bad_formula(text)
            stack.append({})
        elif head in ")]":
            if len(stack) < 2:
                raise _bad_formula(text)
            inner = stack.pop()
            for name, count in inner.items():
                stack[-1][name] = stack[-1].get(name, 0.0) + number * count
        else:
            if head not in _NUMBERS:
                raise UnknownName(f"'{head}' is not an element", where=f"formula '{text}'",
                                  todo="Check upper and lower case")
            stack[-1][head] = stack[-1].get(head, 0.0) + number
    if len(stack) != 1 or not stack[0]:
        raise _bad_formula(text)
    return stack[0]


def _bad_formula(text: str) -> UnknownName:
    return UnknownName(f"'{text}' is not a chemical formula", todo="Write it as in Na3V2(PO4)3, brackets in pairs")


def formula_mass(formula: str) -> float:
    """Molar mass in g/mol of a chemical formula; raises UnknownName."""
    return sum(number * atomic_mass(name) for name, number in parse_formula(formula))


def atoms_of(formula: str, element: str) -> float:
    """Number of atoms of an element in a formula unit, 0 if absent; raises UnknownName."""
    return dict(parse_formula(formula)).get(symbol(atomic_number(element)), 0.0)
