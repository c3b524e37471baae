"""Maps of an image: which quantities energy windows give, computing them, and what users do with maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from app.project.project import Entry, Project, fresh_id
from fitting.dataset import Noise, Spectrum
from fitting.eels.noise import estimate_loss_noise
from fitting.image.maps import Map, Param
from fitting.image.noise import NoiseFound, noise_of, noise_words
from fitting.image.window_maps import (
    Found,
    centre_of_gravity,
    position_of_maximum,
    ratio,
    signal_to_noise,
    three_windows,
    window_sum,
)
from fitting.image.windows import Cancel, Progress, Window, window_words
from libraries.errors import BadData, NotDetermined, SodaliteError, UnknownName

BOOK = "R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011)"
KIND = "window"  # of maps made here


@dataclass(frozen=True)
class Quantity:
    """What can be computed from windows.

    Attributes
    ----------
    key : str
    title : str
        In menus, and the group of its maps in the gallery.
    roles : tuple of str
        What its windows are for; of the first quantity any number of windows.
    words : str
        What it is, for tooltips.
    """

    key: str
    title: str
    roles: tuple[str, ...]
    words: str


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("sum", "Sum in each window", (), "Sum of the channels; those at the edges count by the part inside"),
    Quantity("ratio", "Ratio of two windows", ("Window", "Divided by"), "Quotient of two sums"),
    Quantity("jump", "Jump ratio", ("Behind the edge", "Before the edge"),
             "Sum behind an edge over sum before it: shows an element without its thickness"),
    Quantity("three", "Three windows", ("Before the edge, first", "Before the edge, second", "Edge"),
             "Edge above a power law through two windows before it, with the error of the extrapolation"),
    Quantity("snr", "Signal to noise", ("Window",), "Sum over its standard error"),
    Quantity("centre", "Centre of gravity", ("Window",), "Mean energy of the counts in the window"),
    Quantity("maximum", "Position of the maximum", ("Window",), "Top of a parabola about the highest channel"),
)


def quantity(key: str) -> Quantity:
    """The quantity of that key."""
    for one in QUANTITIES:
        if one.key == key:
            return one
    raise UnknownName(f"There is no map of {key!r}", todo=f"Use one of {', '.join(q.key for q in QUANTITIES)}")


@dataclass(frozen=True)
class Request:
    """A quantity with its windows; `sum` makes a map of each window, the others take as many as they have roles."""

    key: str
    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        roles = quantity(self.key).roles
        if not self.windows or (roles and len(self.windows) != len(roles)):
            needed = f"{len(roles)} windows" if len(roles) > 1 else "a window"
            raise BadData(f"{quantity(self.key).title}: {needed} must be chosen", todo="Choose them on the Maps page")


# -- windows of an entry ----------------------------------------------------------------------------------------


def add_windows(entry: Entry, windows: Iterable[Window]) -> Entry:
    """The entry with windows added; those of limits that it has already are passed over."""
    known = list(entry.windows)
    for window in windows:
        if any((w.low, w.high) == (window.low, window.high) for w in known):
            continue
        known.append(replace(window, id=fresh_id("w", {w.id for w in known})))
    return replace(entry, windows=tuple(known))


def new_window(entry: Entry, low: float, high: float) -> Entry:
    """The entry with one more window, named by its limits."""
    taken = {w.id for w in entry.windows}
    return replace(entry, windows=(*entry.windows, Window(fresh_id("w", taken), "", low, high)))


def with_window(entry: Entry, window: Window) -> Entry:
    """The entry with one window replaced."""
    return replace(entry, windows=tuple(window if w.id == window.id else w for w in entry.windows))


def without_windows(entry: Entry, *ids: str) -> Entry:
    """The entry without these windows."""
    return replace(entry, windows=tuple(w for w in entry.windows if w.id not in ids))


# -- computing --------------------------------------------------------------------------------------------------


def compute(
    project: Project, entry_id: str, request: Request, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Project, tuple[str, ...]]:
    """Compute a quantity for every pixel; the project with its maps, and their ids.

    Maps of the same quantity and windows that are there already are replaced and keep their names.

    Raises
    ------
    BadData
        If the entry is no image, or a window does not fit the axis or the quantity.
    NotDetermined
        If the quantity needs noise that is neither recorded nor to be estimated.
    Cancelled
    """
    made = window_maps(project.entry(entry_id).processed(), request, progress, cancel)
    return with_made(project, entry_id, made), tuple(one.id for one in made)


def with_made(project: Project, entry_id: str, made: Sequence[Map]) -> Project:
    """The project with maps in an entry; those that replace maps of the same id keep the names of these."""
    entry = project.entry(entry_id)
    names = {one.id: one.name for one in entry.maps}
    return project.with_entry(entry.with_maps([replace(one, name=names.get(one.id, one.name)) for one in made]))


def image_noise(image: Spectrum) -> NoiseFound:
    """The noise that errors are computed from: as recorded, else estimated as the Zero loss page does.

    Images on disk are not read through for it: there the scatter of the channels of some spectra tells.
    """
    if image.noise.known or image.stored or image.meta.technique != "eels":
        return noise_of(image)
    known: NoiseFound | None = image.__dict__.get("_image_noise")
    if known is None:
        try:
            told = estimate_loss_noise(image)
            known = NoiseFound(told.noise, noise_words(told.noise, f"estimated from the {told.how}"))
        except SodaliteError:
            known = noise_of(image)
        object.__setattr__(image, "_image_noise", known)  # nothing of a spectrum can change: worked out once
    return known


def window_maps(
    image: Spectrum, request: Request, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Map, ...]:
    """The maps of a quantity (see `compute`)."""
    if not image.navigation:
        raise BadData("A single spectrum has no maps", where=image.name, todo="Choose an image or a series")
    found = image_noise(image)
    make = _Maker(image, request, found.noise, found.words)
    count = len(request.windows)
    if request.key != "sum":
        return _MAKERS[request.key](make, *request.windows, progress, cancel)
    made: list[Map] = []
    for number, window in enumerate(request.windows):
        def told(fraction: float, text: str, number: int = number) -> None:
            if progress is not None:
                progress((number + fraction) / count, text)

        sums = window_sum(image, window, found.noise, told, cancel)
        words = f"sum of the channels from {_limits(window)}, those at the edges by their part"
        made.append(make.map("", window.title, image.meta.intensity_unit, sums, words, (window,)))
    return tuple(made)


@dataclass(frozen=True, eq=False)
class _Maker:
    """Puts together maps of one request."""

    image: Spectrum
    request: Request
    noise: Noise | None
    noise_words: str

    def map(
        self, suffix: str, name: str, unit: str, found: Found, words: str, windows: tuple[Window, ...]
    ) -> Map:
        shape = tuple(len(axis) for axis in self.image.navigation)
        key = self.request.key
        limits = "_".join(f"{value:g}" for window in windows for value in (window.low, window.high))
        params: list[Param] = [("quantity", key)]
        for number, window in enumerate(windows, start=1):
            params += [(f"name {number}", window.name), (f"low {number}", window.low), (f"high {number}", window.high)]
        flagged = bool(found.flags.any())
        return Map(
            fresh_id(f"window {key} {suffix} {limits}".replace("-", "m").replace(".", "p"), set()), name, unit,
            found.values.reshape(shape), None if found.error is None else found.error.reshape(shape),
            found.flags.reshape(shape) if flagged else None, found.legend if flagged else (),
            quantity(key).title, KIND, f"{words[0].upper()}{words[1:]}; {self.noise_words}", tuple(params),
            self.image.hash,
        )


Maker = Callable[..., tuple[Map, ...]]


def _limits(window: Window) -> str:
    return f"{window.low:g} to {window.high:g} eV".replace("-", "−")


def _ratio(
    make: _Maker, above: Window, below: Window, progress: Progress | None, cancel: Cancel | None
) -> tuple[Map, ...]:
    found = ratio(make.image, above, below, make.noise, progress, cancel)
    jump = make.request.key == "jump"
    words = f"{'jump ratio, ' if jump else ''}sum of {_limits(above)} over sum of {_limits(below)}"
    return (make.map("", f"{above.title} / {below.title}", "", found, words, (above, below)),)


def _three(
    make: _Maker, first: Window, second: Window, edge: Window, progress: Progress | None, cancel: Cancel | None
) -> tuple[Map, ...]:
    found = three_windows(make.image, first, second, edge, make.noise, progress, cancel)
    unit = make.image.meta.intensity_unit
    law = f"power law through {_limits(first)} and {_limits(second)} ({BOOK}, 4.51)"
    windows = (first, second, edge)
    made = [
        make.map("signal", f"{edge.title}, edge", unit, found.signal, f"{_limits(edge)} above a {law}", windows),
        make.map("background", f"{edge.title}, background", unit, found.background,
                 f"background of {_limits(edge)}, {law}", windows),
        make.map("exponent", f"{edge.title}, exponent", "", found.exponent, f"exponent r of the {law}", windows),
    ]
    if make.noise is not None:
        words = (f"signal to noise of {_limits(edge)} above a {law}: I_k / sqrt(I_k + h I_b) "
                 "(R. F. Egerton, Ultramicroscopy 9, 387 (1982))")
        made.append(make.map("snr", f"{edge.title}, signal to noise", "", found.snr, words, windows))
    return tuple(made)


def _snr(make: _Maker, window: Window, progress: Progress | None, cancel: Cancel | None) -> tuple[Map, ...]:
    if make.noise is None:
        raise NotDetermined("Signal to noise needs the noise", where=make.image.name,
                            todo="Give the counts per event on the Process page")
    found = signal_to_noise(make.image, window, make.noise, progress, cancel)
    return (make.map("", f"{window.title}, signal to noise", "", found,
                     f"sum of {_limits(window)} over its standard error", (window,)),)


def _centre(make: _Maker, window: Window, progress: Progress | None, cancel: Cancel | None) -> tuple[Map, ...]:
    found = centre_of_gravity(make.image, window, make.noise, progress, cancel)
    return (make.map("", f"{window.title}, centre", make.image.axis.unit, found,
                     f"centre of gravity of the counts from {_limits(window)}, nothing subtracted", (window,)),)


def _maximum(make: _Maker, window: Window, progress: Progress | None, cancel: Cancel | None) -> tuple[Map, ...]:
    found = position_of_maximum(make.image, window, make.noise, progress=progress, cancel=cancel)
    return (make.map("", f"{window.title}, maximum", make.image.axis.unit, found,
                     f"top of a parabola about the highest channel from {_limits(window)}", (window,)),)


_MAKERS: dict[str, Maker] = {
    "ratio": _ratio, "jump": _ratio, "three": _three, "snr": _snr, "centre": _centre, "maximum": _maximum,
}


# -- maps that are there ----------------------------------------------------------------------------------------


def request_of(one: Map) -> Request | None:
    """What made a map of this page; None for maps of other pages."""
    if one.kind != KIND:
        return None
    windows = []
    while one.param(f"low {len(windows) + 1}") is not None:
        n = len(windows) + 1
        windows.append(Window("", str(one.param(f"name {n}", "")), float(one.param(f"low {n}")),
                              float(one.param(f"high {n}"))))
    return Request(str(one.param("quantity")), tuple(windows))


def out_of_date(entry: Entry) -> frozenset[str]:
    """Ids of maps that were computed from other data than the image is now; all where its recipe fails."""
    if not entry.maps:
        return frozenset()
    try:
        now = entry.processed().hash
    except SodaliteError:
        now = ""
    return frozenset(one.id for one in entry.maps if one.data_hash and one.data_hash != now)


def again(
    project: Project, entry_id: str, ids: Iterable[str], progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[Project, tuple[str, ...]]:
    """Compute maps of windows anew, from the image as it is now; the project and the ids of what was computed."""
    entry = project.entry(entry_id)
    wanted = {id: request_of(entry.map(id)) for id in ids}
    requests = list(dict.fromkeys(request for request in wanted.values() if request is not None))
    if not requests:
        raise NotDetermined("These maps come from another page", where=entry.title, todo="Compute them there anew")
    done: list[str] = []
    for number, request in enumerate(requests):
        def told(fraction: float, text: str, number: int = number) -> None:
            if progress is not None:
                progress((number + fraction) / len(requests), text)

        project, made = compute(project, entry_id, request, told, cancel)
        done += made
    return project, tuple(done)


def rename(entry: Entry, id: str, name: str) -> Entry:
    """The entry with a map of another name."""
    name = " ".join(name.split())
    if not name:
        raise BadData("A map needs a name", where=entry.map(id).name)
    return entry.with_maps([replace(entry.map(id), name=name)])


def groups(entry: Entry) -> dict[str, tuple[Map, ...]]:
    """The maps of an entry by their runs, in the order of the first of each."""
    found: dict[str, list[Map]] = {}
    for one in entry.maps:
        found.setdefault(one.group or "Maps", []).append(one)
    return {name: tuple(maps) for name, maps in found.items()}


def group_words(entry: Entry, group: str) -> str:
    """What lists call the maps of a run: of factors their title."""
    return next((one.title for one in entry.factors if one.id == group), group)


def window_title(window: Window) -> str:
    """What lists call a window: its name, with the limits where the name does not tell them."""
    limits = window_words(window.low, window.high)
    return limits if not window.name or window.name == limits else f"{window.name} ({limits})"
