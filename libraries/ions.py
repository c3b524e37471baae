"""Ions: formulas and their spellings, exact m/z, isotope envelopes, SurfaceLab's column labels.

An element without a mass number means its most abundant isotope (Sn+ is ^120Sn+), as SurfaceLab has it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from libraries.elements import SYMBOLS
from libraries.errors import BadData, UnknownName
from libraries.isotopes import ELECTRON_MASS, Isotope, isotope, isotopes, principal_isotope

Style = Literal["plain", "unicode", "html", "surfacelab"]
Kind = Literal["single", "sum", "ratio", "total"]

_MOST_ATOMS = 5000
_SUPER = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SUB = "₀₁₂₃₄₅₆₇₈₉"
_DIGITS = "0123456789"
_TO_SUPER = str.maketrans(_DIGITS + "+-", _SUPER + "⁺⁻")
_TO_SUB = str.maketrans(_DIGITS, _SUB)
_FROM_SUPER = str.maketrans(_SUPER, _DIGITS)
_SIGNS = str.maketrans("⁺⁻−–", "+---")
_CHARGE = re.compile(r"(?:\((?P<bracket>\d*[+-])\)|\^(?P<caret>\d*[+-])|(?P<signs>\++|-+))$")
_TOKEN = re.compile(r"\^(?P<number>\d{1,3})(?P<heavy>[A-Z][a-z]?)|\[(?P<inner>\d{1,3})(?P<boxed>[A-Z][a-z]?)\]"
                    r"|(?P<atom>[A-Z][a-z]?)|(?P<open>[(\[])|(?P<close>[)\]])")
_COUNT = re.compile(r"\d*")
_PIECES = re.compile(r"\^(\d+[+-]|[+-])$|([+-]+)$|\^(\d+)|(\d+)|([^\d^]+?)(?=\d|\^|[+-]+$|$)")
_RATIO = re.compile(r"^(?P<upper>.+?)\s+/\s+\(\s*(?P<lower>.+?)\s*\)$")
_MEMBERS = re.compile(r"(?<=[+-])\s*,\s*|(?<=[+-])(?=[\^A-Z\[(])")


@dataclass(frozen=True)
class Ion:
    """An ion.

    Attributes
    ----------
    text : str
        Canonical spelling, "^13C2H3-", "[Na3]F2+", "Ca^2+".
    atoms : tuple of (str, int, int)
        Symbol, mass number (0 for an element without one) and number of atoms; each pair of the first two once.
    charge : int
        In elementary charges, not 0.
    """

    text: str
    atoms: tuple[tuple[str, int, int], ...]
    charge: int

    @property
    def polarity(self) -> Literal["positive", "negative"]:
        """Of the mode that detects this ion."""
        return "positive" if self.charge > 0 else "negative"

    @property
    def labelled(self) -> bool:
        """Whether an isotope is named."""
        return any(number for _, number, _ in self.atoms)

    @cached_property
    def isotopes(self) -> tuple[tuple[Isotope, int], ...]:
        """The isotopes it is made of and their numbers, by symbol and mass number."""
        counts: Counter[tuple[str, int]] = Counter()
        for symbol, number, count in self.atoms:
            counts[symbol, number or principal_isotope(symbol).mass_number] += count
        return tuple((isotope(*key), count) for key, count in sorted(counts.items()))

    @property
    def elements(self) -> tuple[tuple[str, int], ...]:
        """Atoms of each element, by symbol."""
        counts: Counter[str] = Counter()
        for symbol, _, count in self.atoms:
            counts[symbol] += count
        return tuple(sorted(counts.items()))

    @property
    def mass_number(self) -> int:
        """Protons and neutrons."""
        return sum(one.mass_number * count for one, count in self.isotopes)

    @property
    def mz(self) -> float:
        """Exact m/z in u per elementary charge: atoms less (plus) the electrons that were lost (gained)."""
        mass = math.fsum(one.mass * count for one, count in self.isotopes)
        return (mass - self.charge * ELECTRON_MASS) / abs(self.charge)

    def same_atoms(self, other: Ion) -> bool:
        """Whether two spellings mean one thing: CH3NH3+ and CH6N+, ^35Cl- and Cl-."""
        return self.isotopes == other.isotopes and self.charge == other.charge

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Envelope:
    """The isotope pattern of an ion at nominal masses.

    Attributes
    ----------
    mass_numbers : array of int, shape (n,)
    mz : array, shape (n,)
        Centroid of all isotopologues of that mass number, u per elementary charge.
    fractions : array, shape (n,)
        Share of all ions, 0 to 1.
    """

    mass_numbers: NDArray[np.int64]
    mz: NDArray[np.float64]
    fractions: NDArray[np.float64]


@dataclass(frozen=True)
class Label:
    """What the head of an exported column says.

    Attributes
    ----------
    text : str
        As in the file.
    kind : "single", "sum", "ratio" or "total"
    ions : tuple of Ion
        Of a ratio those above the line; empty where the text is no formula ("total", "unknown 43.02").
    divisor : tuple of Ion
        Of a ratio those below the line.
    """

    text: str
    kind: Kind
    ions: tuple[Ion, ...] = ()
    divisor: tuple[Ion, ...] = ()


@lru_cache(maxsize=8192)
def parse_ion(text: str) -> Ion:
    """Read the formula of an ion.

    Parameters
    ----------
    text : str
        "Na2F+", "C_2HO-" (SurfaceLab), "^13C2H3-", "[13C]2H3-", "[Na3]F2+", "Na₂OH⁺", "Ca^2+", "Ca++"; D is ^2H.
        A digit before a sign counts atoms (Na2+ is two atoms and one charge): write several charges as "^2+" or "++".

    Returns
    -------
    Ion

    Raises
    ------
    UnknownName
        If there is no charge, an element or isotope is not known, or brackets do not match.
    """
    plain = re.sub(f"[{_SUPER}]+", lambda match: "^" + match.group().translate(_FROM_SUPER), text.translate(_SIGNS))
    plain = re.sub(r"[\s_{}]", "", plain.translate(str.maketrans(_SUB, _DIGITS)))
    match = _CHARGE.search(plain)
    if match is None:
        raise UnknownName(f"'{text}' has no charge at its end", todo="Write it as in Na2F+ or PO3-")
    signs = match["bracket"] or match["caret"] or match["signs"]
    size = len(signs) if match["signs"] else int(signs[:-1] or 1)
    if size == 0:
        raise _bad_ion(text)
    atoms, body = _body(plain[: match.start()], text)
    sign = signs[-1]
    return Ion(body + (sign if size == 1 else f"^{size}{sign}"), atoms, size if sign == "+" else -size)


def _body(body: str, text: str) -> tuple[tuple[tuple[str, int, int], ...], str]:
    """Atoms of a formula without its charge, and its canonical spelling."""
    stack: list[Counter[tuple[str, int]]] = [Counter()]
    canonical: list[str] = []
    position = 0
    while position < len(body):
        token = _TOKEN.match(body, position)
        if token is None:
            raise _bad_ion(text)
        tail = "" if token["open"] else _COUNT.match(body, token.end()).group()  # type: ignore[union-attr]
        position = token.end() + len(tail)
        count = int(tail or 1)
        if count == 0:
            raise _bad_ion(text)
        if token["open"]:
            stack.append(Counter())
            canonical.append(token["open"])
        elif token["close"]:
            if len(stack) < 2:
                raise _bad_ion(text)
            for key, number in stack.pop().items():
                stack[-1][key] += count * number
            canonical.append(token["close"] + tail)
        else:
            key, shown = _atom(token, text)
            stack[-1][key] += count
            canonical.append(shown + ("" if count == 1 else str(count)))
        if sum(stack[-1].values()) > _MOST_ATOMS:
            raise UnknownName(f"An ion of more than {_MOST_ATOMS} atoms", where=text[:40], todo="Check the numbers")
    if len(stack) != 1 or not stack[0]:
        raise _bad_ion(text)
    return tuple((symbol, number, count) for (symbol, number), count in stack[0].items()), "".join(canonical)


def _atom(token: re.Match[str], text: str) -> tuple[tuple[str, int], str]:
    symbol = token["heavy"] or token["boxed"] or token["atom"]
    number = int(token["number"] or token["inner"] or 0)
    if symbol == "D" and not number:
        symbol, number = "H", 2
    if symbol not in SYMBOLS:
        raise UnknownName(f"'{symbol}' is not an element", where=f"ion '{text}'", todo="Check upper and lower case")
    if number:
        isotope(symbol, number)
    else:
        principal_isotope(symbol)
    return (symbol, number), f"^{number}{symbol}" if number else symbol


def _bad_ion(text: str) -> UnknownName:
    return UnknownName(f"'{text}' is not the formula of an ion", todo="Write it as in Na2F+, ^13C2H3- or [Na3]F2+")


def written(ion: Ion, style: Style = "unicode") -> str:
    """The formula with raised and lowered figures.

    Parameters
    ----------
    ion : Ion
    style : "plain", "unicode", "html" or "surfacelab"
        "Na2F+", "Na₂F⁺", "Na<sub>2</sub>F<sup>+</sup>", "Na_2F+".

    Returns
    -------
    str
        Every style but "html" is read back by `parse_ion`.
    """
    if style == "plain":
        return ion.text
    parts = []
    for match in _PIECES.finditer(ion.text):
        charges, signs, number, count, rest = match.groups()
        raised, low = charges or signs or number, count
        if style == "surfacelab":
            parts.append(f"_{low}" if low else match.group())
        elif style == "html":
            parts.append(f"<sup>{raised}</sup>" if raised else f"<sub>{low}</sub>" if low else rest)
        else:
            parts.append(raised.translate(_TO_SUPER) if raised else low.translate(_TO_SUB) if low else rest)
    return "".join(parts)


def parse_label(text: str) -> Label:
    """What a column of a SurfaceLab export holds.

    Parameters
    ----------
    text : str
        "Na_2F+"; "total"; "^206PbI-, ^207PbI-PbI-" (a sum: the last member follows without a comma);
        "I+ / ( Pb+ )".

    Returns
    -------
    Label
        A text that is no formula gives a single without ions, never an error: names are free in SurfaceLab.
    """
    plain = text.strip()
    if plain.lower() in ("total", "sum of rest"):
        return Label(text, "total")
    ratio = _RATIO.match(plain)
    if ratio:
        return Label(text, "ratio", _members(ratio["upper"]), _members(ratio["lower"]))
    ions = _members(plain)
    return Label(text, "sum" if len(ions) > 1 else "single", ions)


def _members(text: str) -> tuple[Ion, ...]:
    try:
        return tuple(parse_ion(part) for part in _MEMBERS.split(text))
    except UnknownName:
        return ()


def envelope(ion: Ion, least: float = 1e-6) -> Envelope:
    """Isotope pattern of an ion in natural abundance; named isotopes stay fixed.

    Parameters
    ----------
    ion : Ion
    least : float
        Lines below this share of all ions are left out.

    Returns
    -------
    Envelope
        Isotopologues of one mass number are one line at their mean: a time-of-flight instrument separates few of them.

    Notes
    -----
    The distribution of n atoms is the n-fold convolution of one atom's; first moments are convolved with it, so that
    centroids are exact. J. A. Yergey, Int. J. Mass Spectrom. Ion Phys. 52, 337 (1983).
    """
    if not 0 <= least < 1:
        raise BadData("The least share lies between 0 and 1", where=f"{least:g}")
    start = -ion.charge * ELECTRON_MASS
    base, share, moment = 0, np.ones(1), np.full(1, start)
    for symbol, number, count in ion.atoms:
        rows = (isotope(symbol, number),) if number else isotopes(symbol)
        first = rows[0].mass_number
        p = np.zeros(rows[-1].mass_number - first + 1)
        m = np.zeros_like(p)
        for one in rows:
            p[one.mass_number - first] = 1.0 if number else one.abundance
            m[one.mass_number - first] = one.mass * p[one.mass_number - first]
        p, m = _power(p, m, count)
        share, moment, base = *_convolved(share, moment, p, m), base + first * count
    kept = share >= max(least, 1e-300)
    return Envelope(base + np.flatnonzero(kept), moment[kept] / share[kept] / abs(ion.charge), share[kept])


def _convolved(p: NDArray, m: NDArray, q: NDArray, n: NDArray) -> tuple[NDArray, NDArray]:
    """Shares and first moments of two groups of atoms together."""
    return np.convolve(p, q), np.convolve(m, q) + np.convolve(p, n)


def _power(p: NDArray, m: NDArray, count: int) -> tuple[NDArray, NDArray]:
    """Shares and first moments of `count` equal atoms, by squaring."""
    result = np.ones(1), np.zeros(1)
    while count:
        if count & 1:
            result = _convolved(*result, p, m)
        count >>= 1
        if count:
            p, m = _convolved(p, m, p, m)
    return result


def natural_fraction(ion: Ion) -> float:
    """Share of all ions of these elements that lies at the mass number of this one, named isotopes set free.

    The ratio of two of them is the natural ratio of two lines, ^37Cl- to Cl-: the check for saturation and overlap.
    """
    free = Ion(ion.text, tuple((symbol, 0, count) for symbol, count in ion.elements), ion.charge)
    lines = envelope(free, 0.0)
    return float(lines.fractions[np.searchsorted(lines.mass_numbers, ion.mass_number)])


def isotopologues(ion: Ion, least: float = 0.01) -> tuple[tuple[Ion, float], ...]:
    """The isotopologues of an ion with their exact shares, the largest first.

    Parameters
    ----------
    ion : Ion
        Named isotopes stay fixed.
    least : float
        Those below this share of all ions are left out.

    Returns
    -------
    tuple of (Ion, float)
        Each isotope that is not the principal one is named.
    """
    if not 0 < least < 1:
        raise BadData("The least share lies between 0 and 1", where=f"{least:g}")
    states: list[tuple[tuple[tuple[str, int, int], ...], float]] = [((), 1.0)]
    for symbol, number, count in ion.atoms:
        options = [(((symbol, number, count),), 1.0)] if number else list(_distributions(symbol, count, least))
        states = [(atoms + more, share * p) for atoms, share in states for more, p in options if share * p >= least]
    sign = "+" if ion.charge > 0 else "-"
    tail = sign if abs(ion.charge) == 1 else f"^{abs(ion.charge)}{sign}"
    states.sort(key=lambda state: -state[1])
    return tuple((_named(atoms, tail), share) for atoms, share in states)


def _named(atoms: tuple[tuple[str, int, int], ...], tail: str) -> Ion:
    return parse_ion("".join((f"^{number}" if number else "") + symbol + (str(count) if count > 1 else "")
                             for symbol, number, count in atoms) + tail)


def _distributions(symbol: str, count: int, least: float) -> Iterator[tuple[tuple[tuple[str, int, int], ...], float]]:
    """Ways to draw `count` atoms from the isotopes of an element, with their shares.

    No way has a larger share than the likeliest of those it grew from, so that small ones can be dropped on the way.
    """
    rows = sorted(isotopes(symbol), key=lambda one: -one.abundance)
    p = [one.abundance for one in rows]

    def chance(way: tuple[int, ...]) -> float:
        log = math.lgamma(sum(way) + 1) + sum(n * math.log(q) - math.lgamma(n + 1) for n, q in zip(way, p, strict=True))
        return math.exp(log)

    ways = {(0,) * len(rows)}
    for _ in range(count):
        grown = {(*way[:i], way[i] + 1, *way[i + 1:]) for way in ways for i in range(len(rows))}
        ways = {way for way in grown if chance(way) >= least}
    for way in sorted(ways, key=chance, reverse=True):
        # Named isotopes first, as SurfaceLab writes them: ^13CC_25H_21N_2+.
        order = (*range(1, len(rows)), 0)
        yield tuple((symbol, rows[i].mass_number if i else 0, way[i]) for i in order if way[i]), chance(way)
