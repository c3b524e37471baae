"""The cube in the middle of the window: three dimensions by rays, as largest values, surfaces or sections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QImage, QPainter, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QHBoxLayout, QMenu, QToolButton, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.panels.base import Panel, button
from app.gui.sims.scan_range import range_words
from app.gui.sims.volume_canvas import SLOW, Labels, VolumeCanvas
from app.gui.sims.volume_frames import Drawn, Frames, Preparation, Wish, enlarged, sections_table, voxel_size
from app.gui.sims.volume_legend import LegendRow
from app.gui.sims.volumes import Volumes
from app.gui.tasks import Tasks
from app.gui.theme import GAP_1, GAP_2
from app.project.cube_sources import depth_axis, first_choice, sources
from app.project.project import Entry
from fitting.dataset import Axis, Spectrum
from fitting.sims.kinds import kind_of
from fitting.sims.raycast import MOST_VOLUMES, Colour
from fitting.sims.setup import VolumeLook
from libraries.errors import CannotWrite, SodaliteError

MODES = (("maximum", "Maximum", "The largest value along every line of sight"),
         ("surface", "Surface", "Where the counts reach a level"),
         ("sections", "Sections", "Three planes that can be dragged"))
VIEWS = (("home", "Home"), ("top", "From above"), ("front", "Along the rows"), ("side", "Along the columns"))
TABLE = "viridis"
_TICK = 250  # ms between looks at how long a picture takes
_choices: WeakKeyDictionary[Spectrum, tuple[str, ...]] = WeakKeyDictionary()


class VolumeView(Panel):
    """Shows the volumes that the Volume page chooses."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Volume", parent)
        self.tasks = tasks
        self.volumes = Volumes(tasks, self)
        self.volumes.ready.connect(self.refresh)
        self.frames = Frames(self)
        self.frames.drawn.connect(self._drawn)
        self.frames.failed.connect(self._failed)
        self.canvas = VolumeCanvas()
        self.canvas.camera_changed.connect(self._ask)
        self.canvas.cut_moved.connect(self._cut)
        self.canvas.cut_released.connect(document.close_merge)
        self.dialog: QFileDialog | None = None
        self._window: Any = None
        self._full = 0.0  # seconds of the last full picture
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK)
        self._clock.timeout.connect(self._tell)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        self._build_bar()
        self.body.addWidget(self.canvas, 1)
        self.ready()

    def _build_bar(self) -> None:
        self.modes = QButtonGroup(self)
        self.modes.setExclusive(True)
        line = QHBoxLayout()
        line.setContentsMargins(GAP_2, GAP_1, GAP_2, GAP_1)
        line.setSpacing(GAP_1)
        for number, (key, words, tip) in enumerate(MODES):
            tool = QToolButton()
            tool.setText(words)
            tool.setToolTip(tip)
            tool.setCheckable(True)
            tool.setProperty("mode", key)
            self.modes.addButton(tool, number)
            line.addWidget(tool)
        self.modes.idClicked.connect(lambda number: self.set_mode(MODES[number][0]))
        line.addSpacing(GAP_2)
        self.views = QToolButton()
        self.views.setText("View")
        self.views.setToolTip("Look from elsewhere (double click: home)")
        self.views.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.views)
        for key, words in VIEWS:
            menu.addAction(words).triggered.connect(lambda _=False, key=key: self.canvas.view(key))
        self.views.setMenu(menu)
        line.addWidget(self.views)
        line.addStretch(1)
        self.save = button("Save…", "The picture as PNG with twice as many pixels as the window shows",
                           self.save_picture)
        self.back = button("Profile", "The depth profile of the chosen pixels", self._show_profile)
        line.addWidget(self.save)
        line.addWidget(self.back)
        self.body.addLayout(line)

    def use_window(self, window: Any) -> None:
        """Back to the profile."""
        self._window = window

    def _show_profile(self) -> None:
        if self._window is not None:
            self._window.centre.show_profile()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is drawn for nobody."""
        super().hideEvent(event)
        self.canvas.stop()
        self._clock.stop()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what changed meanwhile."""
        super().showEvent(event)
        self.refresh()

    # -- showing ------------------------------------------------------------------------------------------------

    def cube(self) -> Spectrum | None:
        """The shown cube after its recipe."""
        image = self.document.spectrum()
        return image if image is not None and kind_of(image) == "cube" else None

    def refresh(self) -> None:
        """Show the document."""
        entry, cube = self.document.entry, self.cube()
        if not self.isVisible() or entry is None or cube is None:
            return
        look = entry.volume
        for tool in self.modes.buttons():
            tool.setChecked(tool.property("mode") == look.mode)
        wish = self.wish()
        self.say(self.volumes.error)
        if wish is None:
            self.canvas.show_drawn(None, "" if self.volumes.error else "Reading the voxels…")
            return
        self._ask(self.canvas.moving)

    def wish(self) -> Wish | None:
        """The picture that is wanted; None while voxels are read."""
        entry, cube = self.document.entry, self.cube()
        if entry is None or cube is None:
            return None
        keys = shown_keys(entry, cube)
        arrays = [self.volumes.get(entry, cube, key) for key in keys]
        there = tuple(one for one in arrays if one is not None)
        if not there or len(there) < len(arrays):
            return None
        shape, colours = there[0].shape, theme.current()
        rows, columns = cube.navigation[1:]
        same = rows.unit == columns.unit and rows.step > 0 and columns.step > 0
        size = voxel_size(shape, entry.volume.height, rows.step / columns.step if same else 1.0)
        table = sections_table(TABLE) if len(there) == 1 else None
        return Wish(there, entry.volume, self.canvas.camera, size,
                    tuple(_rgb(colours.of(number)) for number in range(len(there))), _rgb(QColor(colours.paper)),
                    self.canvas.room().width(), self.canvas.room().height(), table)

    def _ask(self, moving: bool) -> None:
        """Have the picture drawn; coarser while the hand moves, where that is needed to keep up."""
        wish = self.wish() if self.isVisible() else None
        if wish is not None:
            full = self.devicePixelRatioF()
            self.frames.want(enlarged(wish, 0.5 if moving and self._full > SLOW else full))
            self._tell()

    def _drawn(self, drawn: Drawn) -> None:
        entry, cube = self.document.entry, self.cube()
        if entry is None or cube is None or not self.isVisible():
            return
        if drawn.wish.arrays[0].shape != tuple(len(axis) for axis in cube.navigation):
            return  # of another cube
        if drawn.wish.width >= self.canvas.room().width():
            self._full = drawn.seconds
        self.canvas.show_labels(self._labels(entry, cube, drawn))
        self.canvas.show_drawn(drawn)
        self._tell()
        room = self.canvas.room()
        here, there = room.width() * drawn.wish.height, room.height() * drawn.wish.width
        if abs(here - there) > 0.02 * max(here, there):
            self._ask(self.canvas.moving)  # drawn for another shape of the window: it would be stretched

    def _tell(self) -> None:
        """Say that a picture is made, once that takes longer than a moment."""
        words = self.frames.words
        self.canvas.show_working(words)
        if self.frames.busy:
            self._clock.start()
        else:
            self._clock.stop()

    def _failed(self, error: BaseException) -> None:
        self._tell()
        if not isinstance(error, SodaliteError):
            raise error
        self.say(str(error))

    def _labels(self, entry: Entry, cube: Spectrum, drawn: Drawn) -> Labels:
        look, names = drawn.wish.look, {one.key: one for one in sources(entry, cube, volumes=True)}
        rows = []
        for number, (key, limits) in enumerate(zip(shown_keys(entry, cube), drawn.limits, strict=False)):
            source = names.get(key)
            level = look.levels[number] if number < len(look.levels) else 0.5
            rows.append(LegendRow(source.words if source is not None else key, theme.current().of(number).name(),
                                  *limits, source.unit if source is not None else "",
                                  level if look.mode == "surface" else None))
        table = TABLE if look.mode == "sections" and len(rows) == 1 else ""
        axis = depth_axis(entry, cube)
        words = [range_words(axis, drawn.wish.part[0])]
        if look.mode == "sections":
            scan, row, column = drawn.wish.cuts
            words.append(f"sections at scan {scan + 1}, row {row}, column {column}")
        words.append(_height_words(axis, cube.navigation[2], look.height))
        if look.smooth > 0:
            words.append(f"drawn with a blur of {look.smooth:.1f} voxels")
        if max(drawn.thinned) > 1:
            words.append(f"{' × '.join(map(str, drawn.thinned))} voxels added up for the drawing")
        return Labels((axis, *cube.navigation[1:]), tuple(rows), table, "  ·  ".join(words))

    # -- edits --------------------------------------------------------------------------------------------------

    def set_mode(self, mode: str) -> None:
        """Largest values, surfaces or sections."""
        self.change(f"Draw volume: {mode}", mode=mode)

    def _cut(self, axis: int, at: int) -> None:
        wish = self.canvas.drawn.wish if self.canvas.drawn is not None else None
        if wish is not None:
            cuts = list(self.document.entry.volume.cuts if self.document.entry is not None else ())
            cuts = cuts if len(cuts) == 3 else list(wish.cuts)
            cuts[axis] = at
            self.change("Move section", merge="volume cuts", cuts=tuple(cuts))

    def change(self, text: str, merge: str = "", **fields: Any) -> None:
        """Change how the volume is drawn, as one undo step."""
        entry = self.document.entry
        if entry is None:
            return
        look: VolumeLook = replace(entry.volume, **fields)
        if look != entry.volume:
            changed = replace(entry, volume=look)
            self.document.apply(text, self.document.project.with_entry(changed),
                                merge=f"{merge} {entry.id}" if merge else "")

    # -- saving -------------------------------------------------------------------------------------------------

    def composed(self, drawn: Drawn, size: QSize) -> QImage:
        """A drawn volume with the words around it, for a widget of that size."""
        pixels = drawn.frame.pixels
        high, wide = pixels.shape[:2]
        inner = QImage(pixels.tobytes(), wide, high, 4 * wide, QImage.Format.Format_RGBX8888)
        image = QImage(2 * size.width(), 2 * size.height(), QImage.Format.Format_RGB32)
        image.setDotsPerMeterX(round(2 * 96 / 0.0254))
        image.setDotsPerMeterY(round(2 * 96 / 0.0254))
        painter = QPainter(image)
        painter.scale(2.0, 2.0)
        self.canvas.paint(painter, inner, drawn.wish, size)
        painter.end()
        return image

    def save_picture(self) -> None:
        """Ask for a file, and save the picture."""
        entry, window = self.document.entry, self._window
        if entry is None or window is None:
            return
        dialog = QFileDialog(window, "Save", window.state.text("folder"), "PNG (*.png)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.selectFile(f"{entry.title} volume.png")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog = dialog
        dialog.open()

    def write(self, path: Path) -> None:
        """Draw with twice the pixels off the window's thread, and save as PNG."""
        wish, size = self.wish(), self.canvas.size()
        if wish is None or self.canvas.drawn is None:
            self.say("There is no picture of a volume yet: show the volume first")
            return

        def done(drawn: Drawn) -> None:
            if not self.composed(drawn, size).save(str(path), "PNG"):
                error = CannotWrite("The picture cannot be written", where=str(path), todo="Choose another folder")
                self.say(str(error))
            elif self._window is not None:
                self._window.messages.show_message(f"Exported to {path}", "info")

        self.say("")
        self.tasks.run(lambda progress, cancel: Preparation().draw(enlarged(wish, 2.0)), done, self._failed,
                       title=f"Exporting to {path.name}")


def shown_keys(entry: Entry, cube: Spectrum) -> tuple[str, ...]:
    """What is drawn: as chosen, else as the program chooses; what is gone is passed over."""
    offered = {one.key for one in sources(entry, cube, volumes=True)}
    kept = tuple(key for key in entry.volume.shown if key in offered)[:MOST_VOLUMES]
    if kept:
        return kept
    if cube not in _choices:
        _choices[cube] = first_choice(entry, cube)
    return tuple(key for key in _choices[cube] if key in offered)


def _height_words(depth: Axis, columns: Axis, height: float) -> str:
    """How much larger the depth is drawn than the width; the shape of the box, where the depth is no length."""
    nm = {"nm": 1.0, "µm": 1000.0, "um": 1000.0, "mm": 1e6}.get(columns.unit, 0.0)
    thick = float(depth.values[-1]) if depth.quantity == "depth" else 0.0
    if nm == 0 or thick <= 0 or columns.step <= 0:
        return f"height of the box {height:g} × its width"
    return f"depth drawn {height * len(columns) * columns.step * nm / thick:.3g} × larger than the width"


def _rgb(colour: QColor) -> Colour:
    return float(colour.red()), float(colour.green()), float(colour.blue())
