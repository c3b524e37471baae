"""The grammar of VAMAS (ISO 14976) files: lines of text <-> header and blocks, without any interpretation.

The format has one value a line and no keywords: what a line means follows from its position, from the modes named in
the header and from counts given in earlier lines. `ITEMS` is that order, used by the reader and by the writer alike.

References
----------
W. A. Dench, L. B. Hazell, M. P. Seah, Surf. Interface Anal. 13, 63 (1988); ISO 14976:1998.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.files.vamas_lines import DAMAGED, NO_VALUE, Lines, number_or_none
from fitting.dataset import FloatArray
from libraries.errors import BadFile

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
END = "end of experiment"
MODES = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "NORM", "NOEXP", "SDP", "SDPSV", "SEM")
SCANS = ("REGULAR", "IRREGULAR", "MAPPING")

_WITH_REGIONS = ("MAP", "MAPDP", "NORM", "SDP")
_MAPS = ("MAP", "MAPDP")
_IMAGES = ("MAPSV", "MAPSVDP", "SEM")
_SPUTTERED = ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
_ION_TECHNIQUES = ("FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec")
_OTHER_TECHNIQUES = ("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF")
TECHNIQUES = (*_OTHER_TECHNIQUES, *_ION_TECHNIQUES)


@dataclass(frozen=True)
class Item:
    """One numbered entry of a block: its fields, one line each, and the modes in which it is there."""

    number: int
    fields: tuple[str, ...]
    modes: tuple[str, ...] = MODES
    techniques: tuple[str, ...] | None = None
    either: bool = False  # modes or techniques suffice, instead of both being needed

    def there(self, mode: str, technique: str) -> bool:
        """Whether a block of that mode and technique holds this item."""
        by_mode = mode in self.modes
        by_technique = self.techniques is None or technique in self.techniques
        return by_mode or by_technique if self.either else by_mode and by_technique


# Items 8 (comments), 11 (experimental variables), 31 (abscissa), 32 (ordinates) and 40 (parameters) have counts of
# their own and are read by name; all others are one line a field.
COMMENTS, VARIABLES, ABSCISSA, ORDINATES, PARAMETERS = 8, 11, 31, 32, 40
ITEMS: tuple[Item, ...] = (
    Item(1, ("year",)),
    Item(2, ("month",)),
    Item(3, ("day of month",)),
    Item(4, ("hours",)),
    Item(5, ("minutes",)),
    Item(6, ("seconds",)),
    Item(7, ("number of hours in advance of GMT",)),
    Item(COMMENTS, ()),
    Item(9, ("technique",)),
    Item(10, ("x coordinate", "y coordinate"), _MAPS),
    Item(VARIABLES, ()),
    Item(12, ("analysis source label",)),
    Item(
        13,
        ("sputtering ion atomic number", "sputtering ion number of atoms", "sputtering ion charge"),
        _SPUTTERED,
        _ION_TECHNIQUES,
        either=True,
    ),
    Item(14, ("analysis source characteristic energy",)),
    Item(15, ("analysis source strength",)),
    Item(16, ("analysis source beam width x", "analysis source beam width y")),
    Item(17, ("field of view x", "field of view y"), (*_MAPS, *_IMAGES)),
    Item(
        18,
        (
            "first linescan start x",
            "first linescan start y",
            "first linescan finish x",
            "first linescan finish y",
            "last linescan finish x",
            "last linescan finish y",
        ),
        _IMAGES,
    ),
    Item(19, ("analysis source polar angle of incidence",)),
    Item(20, ("analysis source azimuth",)),
    Item(21, ("analyser mode",)),
    Item(22, ("analyser pass energy or retard ratio or mass resolution",)),
    Item(23, ("differential width",), techniques=("AES diff",)),
    Item(24, ("magnification of analyser transfer lens",)),
    Item(25, ("analyser work function",)),
    Item(26, ("target bias",)),
    Item(27, ("analysis width x", "analysis width y")),
    Item(28, ("analyser axis take off polar angle", "analyser axis take off azimuth")),
    Item(29, ("species label",)),
    Item(30, ("transition or charge state label", "charge of detected particle")),
    Item(ABSCISSA, ()),
    Item(ORDINATES, ()),
    Item(33, ("signal mode",)),
    Item(34, ("signal collection time",)),
    Item(35, ("number of scans",)),
    Item(36, ("signal time correction",)),
    Item(
        37,
        (
            "sputtering source energy",
            "sputtering source beam current",
            "sputtering source width x",
            "sputtering source width y",
            "sputtering source polar angle of incidence",
            "sputtering source azimuth",
            "sputtering mode",
        ),
        _SPUTTERED,
        _OTHER_TECHNIQUES,
    ),
    Item(38, ("sample normal polar angle of tilt", "sample normal tilt azimuth")),
    Item(39, ("sample rotation angle",)),
    Item(PARAMETERS, ()),
)
FIELDS: tuple[str, ...] = tuple(name for item in ITEMS for name in item.fields)


@dataclass(frozen=True)
class Experiment:
    """The header of a file. `included` are the item numbers that the second and later blocks give themselves."""

    institution: str = ""
    instrument: str = ""
    operator: str = ""
    experiment: str = ""
    comments: tuple[str, ...] = ()
    mode: str = "NORM"
    scan: str = "REGULAR"
    regions: str = ""
    positions: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    included: frozenset[int] = frozenset(range(1, 41))
    manual: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    future_block: int = 0
    blocks: int = 0


@dataclass(frozen=True, eq=False)
class Block:
    """One block as it stands in the file: `values` by field name, `data` of shape (points, ordinates)."""

    identifier: str
    sample: str
    values: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    abscissa: tuple[str, str, float, float] | None = None
    ordinates: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str, str], ...] = ()
    future: tuple[str, ...] = ()
    data: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    line: int = 0

    def number(self, name: str) -> float | None:
        """A field as a number, None where it holds no value or no number."""
        return number_or_none(self.values.get(name, ""))


def parse(text: str, where: str) -> tuple[Experiment, list[Block], int]:
    """Header, blocks and the number of lines behind the end of the experiment that hold text.

    Raises
    ------
    BadFile
        Naming block and line, where the text breaks the grammar or ends too early.
    """
    lines = Lines(text, where)
    experiment = _experiment(lines)
    blocks: list[Block] = []
    for index in range(experiment.blocks):
        lines.block = str(index + 1)
        blocks.append(_block(lines, experiment, blocks[0] if blocks else None))
    lines.block = ""
    rest = [line.strip() for line in lines.lines[lines.at :] if line.strip()]
    if rest and rest[0].lower() != END:
        raise BadFile(
            f"'{rest[0][:40]}' follows the last block, where '{END}' should be", where=lines.where, todo=DAMAGED
        )
    return experiment, blocks, max(len(rest) - 1, 0)


def _experiment(lines: Lines) -> Experiment:
    while lines.left and not lines.lines[lines.at].strip("\ufeff \t"):
        lines.at += 1
    first = lines.text("the name of the format").strip("\ufeff ")
    if not first.lower().startswith("vamas"):
        raise BadFile("This is not a VAMAS file", where=lines.where, todo=f"Its first line must be '{MAGIC}'")
    names = lines.texts(4, "a line of the header")
    comments = lines.comments()
    mode = lines.choice("experiment mode", MODES)
    scan = lines.choice("scan mode", SCANS)
    regions = lines.text("the number of spectral regions") if mode in _WITH_REGIONS else ""
    positions = lines.texts(3, "the number of positions") if mode in _MAPS else ()
    variables = tuple(
        (lines.text("the label of an experimental variable"), lines.text("the unit of an experimental variable"))
        for _ in range(lines.count("the number of experimental variables", 2))
    )
    included = _included(lines)
    manual = lines.texts(lines.count("the number of manually entered items"), "a manually entered item")
    n_future = lines.count("the number of future upgrade experiment entries")
    future_block = lines.count("the number of future upgrade block entries")
    future = lines.texts(n_future, "a future upgrade experiment entry")
    # Even a block that repeats everything of the first one has two names and a number of values.
    blocks = lines.count("the number of blocks", 3)
    return Experiment(
        *names, comments, mode, scan, regions, positions, variables, included, manual, future, future_block, blocks
    )


def _included(lines: Lines) -> frozenset[int]:
    """Items that later blocks give; the others are as in the first block. A negative count lists exclusions."""
    count = lines.integer("the number of entries of the inclusion list")
    if abs(count) > min(lines.left, len(ITEMS)):
        raise BadFile(f"The inclusion list cannot have {abs(count)} entries", where=lines.where, todo=DAMAGED)
    listed = frozenset(lines.integer("an item number of the inclusion list") for _ in range(abs(count)))
    everything = frozenset(item.number for item in ITEMS)
    if not listed <= everything:
        raise BadFile("The inclusion list names an item outside 1 to 40", where=lines.where, todo=DAMAGED)
    return listed if count > 0 else everything - listed


def _block(lines: Lines, experiment: Experiment, first: Block | None) -> Block:
    identifier = lines.text("the name of a block")
    lines.block = f"{lines.block} '{identifier[:60]}'"
    sample = lines.text("the name of the sample")
    start = first or Block("", "")
    values = dict(start.values)
    parts: dict[int, tuple] = {
        COMMENTS: start.comments,
        VARIABLES: start.variables,
        ABSCISSA: (start.abscissa,),
        ORDINATES: start.ordinates,
        PARAMETERS: start.parameters,
    }
    for item in ITEMS:
        # The first block is complete; the list holds for those after it.
        if first is not None and item.number not in experiment.included:
            continue
        if item.number in parts:
            parts[item.number] = _counted(lines, item.number, experiment)
        elif item.there(experiment.mode, values.get("technique", "")):
            values.update((name, lines.text(f"the {name}")) for name in item.fields)
    future = lines.texts(experiment.future_block, "a future upgrade block entry")
    data, line = _data(lines, len(parts[ORDINATES]))
    return Block(
        identifier,
        sample,
        values,
        parts[COMMENTS],
        parts[VARIABLES],
        parts[ABSCISSA][0],
        parts[ORDINATES],
        parts[PARAMETERS],
        future,
        data,
        line,
    )


def _counted(lines: Lines, number: int, experiment: Experiment) -> tuple:
    """An item that has a count of its own."""
    if number == COMMENTS:
        return lines.comments()
    if number == VARIABLES:
        return lines.texts(len(experiment.variables), "the value of an experimental variable")
    if number == ABSCISSA:
        if experiment.scan != "REGULAR":
            return (None,)
        label, unit = lines.texts(2, "the abscissa")
        return ((label, unit, lines.number("the abscissa start"), lines.number("the abscissa increment")),)
    if number == ORDINATES:
        count = lines.count("the number of ordinates", 2)
        return tuple((lines.text("an ordinate label"), lines.text("an ordinate unit")) for _ in range(count))
    count = lines.count("the number of additional parameters", 3)
    return tuple(lines.texts(3, "an additional parameter") for _ in range(count))  # type: ignore[return-value]


def _data(lines: Lines, ordinates: int) -> tuple[FloatArray, int]:
    """The values of a block, shape (points, ordinates), and the number of their first line."""
    if ordinates == 0:
        raise BadFile("The block declares no ordinate", where=lines.where, todo=DAMAGED)
    count = lines.count("The number of ordinate values")
    if count % ordinates:
        raise BadFile(f"{count} values cannot be shared by {ordinates} ordinates", where=lines.where, todo=DAMAGED)
    # Smallest and largest value of each ordinate; some programs write 0 and 1 whatever the data, so they are not used.
    lines.texts(2 * ordinates, "a smallest or largest value")
    if count > lines.left:
        lines.at = len(lines.lines)
        raise BadFile(f"The file ends inside the block, which declares {count} values", where=lines.where, todo=DAMAGED)
    first = lines.at
    part = lines.lines[first : first + count]
    try:
        values = np.array([float(line) for line in part], dtype=np.float64)
    except ValueError:
        values = np.empty(0)
    if len(values) != count or not np.all(np.abs(values) < 0.99 * NO_VALUE) or "_" in "".join(part):
        for _ in range(count):  # find the line to blame
            if abs(lines.number("an ordinate value")) >= 0.99 * NO_VALUE:
                raise BadFile("A point has no value (1E37)", where=lines.where, todo="Export the file without gaps")
    lines.at = first + count
    return values.reshape(-1, ordinates), first + 1
