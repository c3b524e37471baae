"""The places of a model that can be grabbed, and which of them lies under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, Qt

from app.gui.plot.anchors import AnchorPoint, takes_anchors
from app.gui.plot.canvas import Mapper
from app.gui.plot.edits import title
from app.gui.plot.geometry import Peak, peak_of
from fitting.backgrounds import kind
from fitting.curves import Curves
from fitting.dataset import Quantity
from fitting.model import Component, FitModel

Role = Literal["peak", "width", "edge", "anchor"]
PEAK_REACH, WIDTH_REACH, EDGE_REACH = 11.0, 9.0, 6.0
_LEAST_LEFT = 0.01  # of a height: less is taken as this, so that it can be dragged


@dataclass(frozen=True)
class Handle:
    """Something to grab.

    Attributes
    ----------
    role : "peak", "width", "edge" or "anchor"
    id : str
        Component; "" for a region edge and for an anchor of the background.
    x, y : float
        Data coordinates.
    side : int
        0 low, 1 high end of the axis, for edges and width handles; the number of an anchor.
    words : str
        What dragging it does.
    """

    role: Role
    id: str
    x: float
    y: float
    side: int
    words: str

    @property
    def cursor(self) -> Qt.CursorShape:
        """Mouse pointer over it."""
        return Qt.CursorShape.SizeAllCursor if self.role in ("peak", "anchor") else Qt.CursorShape.SizeHorCursor

    @property
    def key(self) -> tuple[str, str, int]:
        """Which handle it is, whatever its place."""
        return self.role, self.id, self.side


def handles_of(
    model: FitModel,
    drawn: Curves,
    selected: str | None,
    quantity: Quantity,
    anchors: Sequence[AnchorPoint] = (),
) -> tuple[Handle, ...]:
    """All handles of a model, the ones to prefer first."""
    found: list[Handle] = []
    peaks = {c.id: peak_of(c, quantity) for c in model.components}

    def floor(x: float) -> float:
        return float(np.interp(x, drawn.x, drawn.background))

    for component in model.components:
        peak = peaks[component.id]
        base = floor(peak.position)
        if component.id == selected:
            middle = base + 0.5 * peak.height * left_of(drawn, component, peak)
            text = f"Width of {title(component)}: drag"
            found += [
                Handle("width", component.id, x, middle, side, text) for side, x in ((0, peak.left), (1, peak.right))
            ]
    order = sorted(model.components, key=lambda c: (c.id != selected, peaks[c.id].height))
    for component in order:
        peak = peaks[component.id]
        text = f"{title(component)}: drag to move it and to change its height"
        top = floor(peak.position) + peak.height * left_of(drawn, component, peak)
        found.append(Handle("peak", component.id, peak.position, top, 0, text))
    words = "Anchor of the background: drag it; Delete or a right click removes it"
    found += [Handle("anchor", "", point.x, point.y, index, words) for index, point in enumerate(anchors)]
    for side, edge in enumerate(model.region):
        found.append(Handle("edge", "", edge, floor(edge), side, "Edge of the region: drag"))
    return tuple(found)


def left_of(drawn: Curves, component: Component, peak: Peak) -> float:
    """What a convolution leaves of the height of a component at its maximum: its handle lies on the drawn curve."""
    if not component.broadened or not peak.height > 0.0:
        return 1.0
    shown = float(np.interp(peak.position, drawn.x, drawn.component(component.id)))
    return min(max(shown / peak.height, _LEAST_LEFT), 1.0)


def anchored(model: FitModel) -> bool:
    """Whether the background runs between end levels that the data give: its ends move with the region edges."""
    return kind(model.background.kind).static and not takes_anchors(model)


def handle_at(handles: tuple[Handle, ...], point: QPointF, mapper: Mapper) -> Handle | None:
    """The handle under a pixel: the nearest of peaks and widths, else a region edge."""
    best: tuple[float, Handle] | None = None
    for handle in handles:
        if handle.role == "edge":
            continue
        place = mapper.point(handle.x, handle.y)
        distance = math.hypot(place.x() - point.x(), place.y() - point.y())
        reach = PEAK_REACH if handle.role == "peak" else WIDTH_REACH
        if distance <= reach and (best is None or distance < best[0] - 0.5):
            best = (distance, handle)
    if best is not None:
        return best[1]
    edges = [(abs(float(mapper.px(h.x)) - point.x()), h) for h in handles if h.role == "edge"]
    near = [pair for pair in edges if pair[0] <= EDGE_REACH]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def component_at(drawn: Curves, x: float, y: float) -> str | None:
    """The component whose filled curve lies under a data point: the one with the largest share there."""
    if not drawn.components or not drawn.x[0] <= x <= drawn.x[-1]:
        return None
    base = float(np.interp(x, drawn.x, drawn.background))
    heights = [(float(np.interp(x, drawn.x, curve)), id) for id, curve in drawn.components]
    hit = [(height, id) for height, id in heights if base <= y <= base + height]
    return max(hit)[1] if hit else None
