"""What is asked of a core-loss analysis, and what came out: kept in the project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fitting.eels.core_model import Fine
from libraries.edges import edge
from libraries.errors import BadData, UnknownName

CrossModel = Literal["", "hydrogenic", "dipole", "gosh"]
Method = Literal["maximum likelihood", "two windows", "log-log", "exponential", "before and after"]
METHODS: tuple[Method, ...] = ("maximum likelihood", "two windows", "log-log", "exponential", "before and after")
# The angles' relative standard error that the budget supposes where the user says nothing else: an assumption.
ANGLE_ERROR = 0.05
SIGNAL_WINDOW = 50.0


@dataclass(frozen=True)
class CoreEdge:
    """One edge as the user wants it.

    Attributes
    ----------
    name : str
        "B K".
    use : bool
    onset : float or None
        Where it begins in this spectrum, eV; None: as tabulated.
    fit_onset : bool
        Find it in the data within 8 eV of that (`fitting.eels.onsets`).
    model : str
        Cross-section: "hydrogenic", "dipole", "gosh"; "" for the default of the edge.
    fine : str
        See `fitting.eels.core_model.EdgeTerm`.
    width : float or None
        Of the fine structure; None: 50 eV, or two thirds of the room up to the next edge.
    before : (float, float) or ()
        Window of its background for the quantification by windows; (): found from the edges.
    signal : float
        Width of its signal window, eV.
    """

    name: str
    use: bool = True
    onset: float | None = None
    fit_onset: bool = True
    model: CrossModel = ""
    fine: Fine = "free"
    width: float | None = None
    before: tuple[float, ...] = ()
    signal: float = SIGNAL_WINDOW

    def __post_init__(self) -> None:
        if self.onset is not None and not 0 < self.onset < 1e5:
            raise BadData("The onset must lie above 0 eV", where=self.name)
        if self.width is not None and not 2 <= self.width <= 500:
            raise BadData("The fine structure must be 2 to 500 eV wide", where=self.name)
        if not 2 <= self.signal <= 1000:
            raise BadData("The signal window must be 2 to 1000 eV wide", where=self.name)
        if self.before and not (len(self.before) == 2 and 0 < self.before[0] < self.before[1]):
            raise BadData("The background window must have a width and lie above 0 eV", where=self.name)

    @property
    def at(self) -> float:
        """Onset in eV."""
        return edge(self.name).energy if self.onset is None else self.onset


@dataclass(frozen=True)
class CoreSetup:
    """A core-loss analysis.

    Attributes
    ----------
    edges : tuple of CoreEdge
    low, high : float or None
        Fitted range in eV; None: from 0.85 of the first onset, and up to the end.
    convolve : bool
        Whether the edges are convolved with the low loss.
    low_loss : str
        Id of the entry with the low loss; "" for the partner of the scan.
    exposure : float or None
        Exposure of the core loss over that of the low loss; None: from the files, if they say it.
    method : str
        Background of the quantification by windows.
    angle_error : float
        Relative standard error of the angles.
    """

    edges: tuple[CoreEdge, ...] = ()
    low: float | None = None
    high: float | None = None
    convolve: bool = True
    low_loss: str = ""
    exposure: float | None = None
    method: Method = "maximum likelihood"
    angle_error: float = ANGLE_ERROR

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise BadData("The fitted range has no width", where=f"{self.low:g} to {self.high:g} eV")
        if self.exposure is not None and not self.exposure > 0:
            raise BadData("The ratio of exposures must be above zero", where="core loss")
        if not 0 <= self.angle_error <= 0.5:
            raise BadData("The error of the angles lies between 0 and 50 %", where="core loss")
        if self.method not in METHODS:
            raise BadData("There is no such background", where=str(self.method), todo=f"Use {', '.join(METHODS)}")

    @property
    def used(self) -> tuple[CoreEdge, ...]:
        """Edges that are fitted, ascending."""
        return tuple(sorted((one for one in self.edges if one.use), key=lambda one: one.at))

    def edge(self, name: str) -> CoreEdge:
        """The edge of that name."""
        for one in self.edges:
            if one.name == name:
                return one
        raise UnknownName(f"There is no edge {name} in the analysis")

    def with_edge(self, one: CoreEdge) -> CoreSetup:
        """A copy with an edge added, or replaced where its name exists; ascending."""
        kept = [old for old in self.edges if old.name != one.name]
        return replace(self, edges=tuple(sorted((*kept, one), key=lambda e: (edge(e.name).energy, e.name))))

    def without_edge(self, name: str) -> CoreSetup:
        """A copy without that edge."""
        return replace(self, edges=tuple(old for old in self.edges if old.name != name))


@dataclass(frozen=True)
class CoreRow:
    """One edge of a result; errors are one standard deviation, NaN where not determined.

    Attributes
    ----------
    edge, element : str
    at_percent, at_error : float
        NaN for a second edge of an element.
    areal, areal_error : float
        Atoms/nm^2; NaN where the exposures are not known.
    limit : float
        One-sided 95 % limit of at_percent where the edge is not seen; else NaN.
    seen : bool
    onset, onset_err : float
    counts : float
    model : str
    source : str
    counting, background, fine, cross_section, angles, low_loss : float
        Relative errors of the amount by cause. The low loss and, in part, the angles cancel in at.%.
    window_at_percent, window_error : float
        By windows; NaN where it cannot be done.
    snr, h : float
        Of the window.
    window_words : str
        Which windows, or why there is no number.
    """

    edge: str
    element: str
    at_percent: float
    at_error: float
    areal: float
    areal_error: float
    limit: float
    seen: bool
    onset: float
    onset_err: float
    counts: float
    model: str
    source: str
    counting: float
    background: float
    fine: float
    cross_section: float
    angles: float
    low_loss: float
    window_at_percent: float
    window_error: float
    snr: float
    h: float
    window_words: str


@dataclass(frozen=True)
class CoreResult:
    """A finished analysis.

    Attributes
    ----------
    rows : tuple of CoreRow
    covariance : tuple of tuple of float
        Of the amounts relative to their sizes, all causes; rows that stand for elements in order.
    exponent, exponent_err, gain, chi2 : float
    fitted : (float, float)
        Range in eV.
    place : str
        See `fitting.image.place.Place`.
    data_hash, low_hash : str
        What it was computed from.
    setup : CoreSetup
    beam : tuple of float
        keV, mrad, mrad.
    energy, background : tuple of float
    curves : tuple of tuple of float
        Counts of each edge on `energy`.
    warnings : tuple of str
    """

    rows: tuple[CoreRow, ...]
    covariance: tuple[tuple[float, ...], ...]
    exponent: float
    exponent_err: float
    gain: float
    chi2: float
    fitted: tuple[float, float]
    place: str
    data_hash: str
    low_hash: str
    setup: CoreSetup
    beam: tuple[float, float, float]
    energy: tuple[float, ...]
    background: tuple[float, ...]
    curves: tuple[tuple[float, ...], ...]
    warnings: tuple[str, ...] = ()

    def row(self, name: str) -> CoreRow:
        """The row of an edge."""
        for one in self.rows:
            if one.edge == name:
                return one
        raise UnknownName(f"There is no edge {name} in the result")

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements in the order of `covariance`."""
        return tuple(dict.fromkeys(row.element for row in self.rows))

    def ratio(self, first: str, second: str) -> tuple[float, float]:
        """Atoms of one element over those of another, with the error of all causes."""
        rows = {}
        for row in self.rows:
            rows.setdefault(row.element, row)
        if first not in rows or second not in rows:
            raise UnknownName(f"{first if first not in rows else second} was not measured")
        a, b = rows[first].at_percent, rows[second].at_percent
        if not b > 0:
            raise BadData(f"{second} is not above zero", where=f"{first}/{second}")
        i, j = self.elements.index(first), self.elements.index(second)
        c = self.covariance
        variance = max(c[i][i] + c[j][j] - 2 * c[i][j], 0.0)
        return a / b, abs(a / b) * variance**0.5


@dataclass(frozen=True)
class CoreLoss:
    """Core-loss analysis of a spectrum or image: what is asked, and the last result (none, or one)."""

    setup: CoreSetup = CoreSetup()
    results: tuple[CoreResult, ...] = ()

    @property
    def result(self) -> CoreResult | None:
        """The last result; None where there is none yet."""
        return self.results[-1] if self.results else None
