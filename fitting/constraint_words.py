"""Constraints as people say them: "same width as CO3", "A + 1.18 eV", "half of A", "between 284 and 285", "fixed".

What is understood, for a parameter P and components A, B (names in any notation, decimal comma or point):

    same width as A | equal to A | like A | A       P follows the same parameter of A
    A + 1.18 eV | 1.18 eV above A | 1 eV below A    an offset
    0.5 x A | half of A | a third of A | twice A    a factor
    area ratio 1:2 to A | ratio 0.5 to A            P : A = 1 : 2
    width of A | A.fwhm                             another parameter of A
    within 0.1 eV of A | A + 1.18 ± 0.05 | ... ± 5 %    with a tolerance
    between 284 and 285 | 284 to 285 | at least 0.5 | at most 2 | 284.8 ± 0.2      bounds
    fixed | fixed at 284.8                          held
    free                                            neither link nor hold

Everything else is a formula of `fitting.constraints`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fitting.constraints import parse
from libraries.errors import BadModel

EXAMPLES = "“C–O + 3.1 eV”, “0.5 × V 2p3/2”, “same width as C–O”, “within 0.1 eV of C–O”, “between 284 and 285”"
# What a parameter may be called in a sentence; longer words first where one begins another.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "position": ("position", "binding energy", "energy", "place", "be"),
    "fwhm": ("full width", "width", "fwhm"),
    "fwhm_g": ("gaussian width",),
    "fwhm_l": ("lorentzian width", "lifetime width"),
    "area": ("area", "intensity"),
    "height": ("height",),
    "mix": ("lorentzian part", "mixing", "mix"),
    "asymmetry": ("asymmetry",),
}
_FRACTIONS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5}
_MULTIPLES = {"twice": 2, "double": 2, "three times": 3, "thrice": 3, "triple": 3, "four times": 4}
_N = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"  # a number
_NAME = r"(?:\x00\d+\x00)"  # what stands for a component while words are read
_WORD = "(?:" + "|".join(sorted((w for words in SYNONYMS.values() for w in words), key=len, reverse=True)) + ")"
_TOLERANCE = re.compile(rf"(?:±|\+-|\+/-|plus or minus)\s*({_N})\s*(?:ev)?\s*(%?)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Constraint:
    """What a sentence says of one parameter; None leaves a thing as it is.

    Attributes
    ----------
    link : str or None
        Formula; "" takes a link away. Components of the own region stand as "p1.area", others in braces.
    minimum, maximum : float or None
        Bounds.
    held : bool or None
    value : float or None
        To be set.
    """

    link: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    held: bool | None = None
    value: float | None = None

    @property
    def foreign(self) -> bool:
        """Whether the link names another region, so that it is a tie."""
        return bool(self.link) and "{" in str(self.link)


def read(text: str, parameter: str, names: Mapping[str, str]) -> Constraint:
    """What a typed text means.

    Parameters
    ----------
    text : str
    parameter : str
        The parameter that is meant, without its component: "fwhm".
    names : mapping of name to owner
        What components are called; the owner is an id ("p1") or, in another region, "entry/region/p1".

    Raises
    ------
    BadModel
        If it is not understood; the message shows examples.
    """
    # Control characters come with pasted texts; one of them marks names here.
    source = re.sub(r"[\x00-\x1f\x7f]", " ", text).strip().removeprefix("=").strip()
    if not source:
        return Constraint(link="")
    marked, owners = _marked(source, names)
    plain = _plain(marked)
    found = _alone(plain) if not owners else None
    if found is None:
        found = Constraint(link=_formula(plain, parameter, owners, text))
    if not all(math.isfinite(n) for n in (found.minimum, found.maximum, found.value) if n is not None):
        raise BadModel("A number is too large", where=source[:60])
    return found


def _marked(text: str, names: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with component names replaced by marks, longest names first; and the owners in order of the marks."""
    owners: list[str] = []
    for name, owner in sorted(names.items(), key=lambda pair: -len(pair[0])):
        if re.fullmatch(r"[\d.,]+", name):
            continue  # a name that is a number would swallow factors; such a component goes by its id
        pattern = re.compile(r"(?<![\w{])" + re.escape(name) + r"(?![\w}])")

        def placed(_: re.Match[str], owner: str = owner) -> str:
            owners.append(owner)
            return f"\x00{len(owners) - 1}\x00"

        text = pattern.sub(placed, text)
    return text, owners


def _plain(text: str) -> str:
    """Decimal points, plain signs, single blanks."""
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    odd_signs = (("−", "-"), ("–", "-"), ("×", "*"), ("·", "*"), ("÷", "/"), ("≥", ">="), ("≤", "<="), ("…", ".."))
    for odd, sign in odd_signs:
        text = text.replace(odd, sign)
    return " ".join(text.split())


def _alone(text: str) -> Constraint | None:
    """Bounds, holds and the like, which name no component; None where it is something else."""
    low = text.casefold()
    if low in ("free", "free it", "vary", "frei"):
        return Constraint(link="", held=False)
    if low in ("fixed", "fix", "held", "hold", "constant", "fest"):
        return Constraint(link="", held=True)
    unit = r"\s*(?:ev)?"
    if found := re.fullmatch(rf"(?:fixed|fix|held|hold|constant|fest)\s*(?:at|to|bei|=)?\s*({_N}){unit}", low):
        return Constraint(link="", held=True, value=float(found[1]))
    pair = (
        rf"(?:between|from|zwischen|von)\s+({_N}){unit}\s+(?:and|to|und|bis)\s+({_N}){unit}"
        rf"|({_N}){unit}\s*(?:to|bis|\.\.+)\s*({_N}){unit}"
    )
    if found := re.fullmatch(pair, low):
        one, other = sorted(float(value) for value in found.groups() if value is not None)
        return Constraint(link="", minimum=one, maximum=other)
    if found := re.fullmatch(rf"(?:at least|not below|above|more than|>=?|mindestens)\s*({_N}){unit}", low):
        return Constraint(link="", minimum=float(found[1]))
    if found := re.fullmatch(rf"(?:at most|not above|below|less than|<=?|höchstens)\s*({_N}){unit}", low):
        return Constraint(link="", maximum=float(found[1]))
    if found := re.fullmatch(rf"within\s+({_N})\s*(?:ev)?\s*(%?)\s*of\s+({_N}){unit}", low):
        return _around(float(found[3]), float(found[1]), bool(found[2]))
    if found := re.fullmatch(rf"({_N}){unit}\s*(?:±|\+-|\+/-)\s*({_N})\s*(?:ev)?\s*(%?)", low):
        return _around(float(found[1]), float(found[2]), bool(found[3]))
    return None


def _around(middle: float, half: float, relative: bool) -> Constraint:
    half = abs(middle) * half / 100 if relative else abs(half)
    return Constraint(link="", minimum=middle - half, maximum=middle + half)


def _formula(text: str, parameter: str, owners: list[str], typed: str) -> str:
    """The link that a sentence about components means, in the grammar of links, checked."""
    tolerance = ""
    if found := re.match(rf"within\s+({_N})\s*(?:ev)?\s*(%?)\s*of\s+(.+)\Z", text, re.IGNORECASE):
        tolerance, text = f" +- {found[1]}{' %' if found[2] else ''}", found[3]
    elif found := _TOLERANCE.search(text):
        tolerance, text = f" +- {found[1]}{' %' if found[2] else ''}", text[: found.start()].strip()
    formula = _arithmetic(_phrases(text)) + tolerance

    def parameter_of(match: re.Match[str]) -> str:
        owner, own = owners[int(match[1])], _parameter(match[2], typed) if match[2] else parameter
        return f"{{{owner}.{own}}}" if "/" in owner else f"{owner}.{own}"

    formula = re.sub(r"\x00(\d+)\x00(?:\s*\.\s*([A-Za-z_]\w*))?", parameter_of, formula)
    check = re.sub(r"\{[^{}]*\}", "other.value", formula)
    try:
        parsed = parse(check)
    except BadModel:
        raise BadModel("This is not understood", where=typed.strip(), todo=f"Write, for example, {EXAMPLES}") from None
    if not parsed.names:
        raise BadModel("This names no component to follow", where=typed.strip(), todo=f"Write, for example, {EXAMPLES}")
    return formula


def _parameter(word: str, typed: str) -> str:
    """The parameter that a word after a point means."""
    for name, words in SYNONYMS.items():
        if word.casefold() in words or word == name:
            return name
    if re.fullmatch(r"[a-z_]+", word):
        return word
    raise BadModel(f"There is no parameter {word}", where=typed)


def _phrases(text: str) -> str:
    """English phrases as arithmetic; what is arithmetic already stays."""

    def of(match: re.Match[str]) -> str:  # "width of A"
        name = next(name for name, words in SYNONYMS.items() if match[1].casefold() in words)
        return f"{match[2]}.{name}"

    swaps: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
        (rf"\A(?:the )?(?:same|equal)(?: {_WORD})?(?: as| to)\s+", ""),
        (r"\A(?:equal to|equals|like|as|follows)\s+", ""),
        (rf"\b({_WORD}) of (?:the )?({_NAME})(?!\s*\.)", of),
        (rf"\A(?:in )?(?:(?:the|an?) )?(?:{_WORD} )?ratio (?:of )?({_N})\s*:\s*({_N}) (?:to|with) (.+)\Z",
         r"\3 * \1 / \2"),
        (rf"\A({_N})\s*:\s*({_N}) (?:to|with|of) (.+)\Z", r"\3 * \1 / \2"),
        (rf"\A(?:in )?(?:(?:the|an?) )?(?:{_WORD} )?ratio (?:of )?({_N}) (?:to|with) (.+)\Z", r"\2 * \1"),
        (rf"\A({_N})\s*(?:ev)? (?:above|over|higher than|more than) (.+)\Z", r"\2 + \1"),
        (rf"\A({_N})\s*(?:ev)? (?:below|under|lower than|less than) (.+)\Z", r"\2 - \1"),
        (rf"\A({_N})\s*% of (.+)\Z", r"\2 * \1 / 100"),
        (rf"\A({_N})\s*(?:times|fold|of|x) (.+)\Z", r"\1 * \2"),
        (rf"({_N})\s*ev\b", r"\1"),
        (r"(?<=[\d\x00a-z])\s*[x]\s*(?=[\d\x00.])", " * "),
        (rf"(?<![\w.])({_N})\s+({_NAME})", r"\1 * \2"),
    )
    for pattern, swap in swaps:
        text = re.sub(pattern, swap, text, flags=re.IGNORECASE)
    for word, number in _FRACTIONS.items():
        text = re.sub(rf"\A(?:(?:an?|one) )?{word}(?: of)?(?: the)? ({_NAME}.*)\Z", rf"\1 / {number}",
                      text, flags=re.IGNORECASE)
    for word, number in _MULTIPLES.items():
        text = re.sub(rf"\A{word}(?: of)?(?: the)? ({_NAME}.*)\Z", rf"\1 * {number}", text, flags=re.IGNORECASE)
    return text


def _arithmetic(text: str) -> str:
    """A constant ratio written out ("a * 1 / 2") becomes one number, so that it reads well later."""
    found = re.fullmatch(rf"(.+?) \* ({_N}) / ({_N})", text)
    if found and float(found[3]) != 0:
        return f"{found[1]} * {float(found[2]) / float(found[3]):.10g}"
    return text
