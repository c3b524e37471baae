"""The one table of what the window can do. Menus, toolbar, shortcuts, command search and the manual are made from it.

Each command names its handler as "controller.method" of the window (`window.fits.fit_region`) and the condition under
which it makes sense. A command that does not work does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.gui.document import Document
    from app.gui.tasks import Tasks


@dataclass(frozen=True)
class Command:
    """One thing that the window does.

    Attributes
    ----------
    id : str
        Unique name, "fit.region".
    text : str
        As menus show it; "..." says that it asks for more before it acts.
    menu : str
        Menu in which it stands, "Fit" or "View/Theme".
    handler : str
        "controller.method" of the window.
    group : int
        Commands of a menu with different numbers are parted by a line.
    icon, shortcut, tip : str
        Name of the icon, key sequence, one sentence for the tooltip and the command search.
    toolbar : str
        Short word on the toolbar; "" where it is not on the toolbar.
    bar_group : int
        Buttons of the toolbar with different numbers are parted by a line.
    icon_only : bool
        The toolbar shows no word beside the icon.
    enabled : str
        Key of `CONDITIONS`.
    checkable : bool
        The handler is called with True or False (commands of an exclusive `choice`: with `argument`, when chosen).
    choice : str
        Name of the group of commands of which one is chosen.
    argument : str
        Passed to the handler.
    fill : str
        A submenu that the window fills when it opens: "recent", "samples", "backgrounds". Its rows call the handler
        with their own argument.
    local : bool
        The shortcut is handled by the widget that has the keyboard; here it is only shown.
    """

    id: str
    text: str
    menu: str
    handler: str
    group: int = 0
    icon: str = ""
    shortcut: str = ""
    tip: str = ""
    toolbar: str = ""
    bar_group: int = 0
    icon_only: bool = False
    enabled: str = "always"
    checkable: bool = False
    choice: str = ""
    argument: str = ""
    fill: str = ""
    local: bool = False


MENUS = ("File", "Edit", "Data", "Fit", "Quantify", "View", "Help")

_FILE = (
    Command("file.new", "New project", "File", "files.new", 0, "new", "Ctrl+N", "Start an empty project"),
    Command("file.open", "Open…", "File", "files.open", 0, "open", "Ctrl+O",
            "Open a project, or spectra as a new project", "Open", 0),
    Command("file.recent", "Open recent", "File", "files.open_path", 0, fill="recent"),
    Command("file.samples", "Samples", "File", "files.open_sample", 0, "sample", fill="samples",
            tip="Projects with simulated data of known truth"),
    Command("file.save", "Save", "File", "files.save", 1, "save", "Ctrl+S", "Save the project", "Save", 0,
            enabled="project"),
    Command("file.save_as", "Save as…", "File", "files.save_as", 1, "", "Ctrl+Shift+S",
            "Save the project under another name", enabled="project"),
    Command("file.import", "Import spectra…", "File", "files.import_spectra", 2, "import", "Ctrl+I",
            "Add the spectra of files to this project"),
    Command("file.export_csv", "CSV tables in a folder…", "File/Export", "exports.csv", 2, "", "",
            "Curves, peaks and composition as text tables", enabled="project"),
    Command("file.export_hdf5", "HDF5 (NeXus)…", "File/Export", "exports.hdf5", 2, "", "",
            "Data, models and results in one HDF5 file", enabled="project"),
    Command("file.export_vamas", "VAMAS…", "File/Export", "exports.vamas", 2, "", "",
            "Spectra in the exchange format ISO 14976", enabled="project"),
    Command("file.export_xlsx", "Excel workbook…", "File/Export", "exports.xlsx", 2, "", "",
            "Compositions, peaks, parameters and curves in one workbook", enabled="project"),
    Command("file.report", "Report…", "File", "exports.report", 2, "report", "Ctrl+R",
            "A report with figures, tables, conditions and sources", "Report", 5, enabled="project"),
    Command("file.quit", "Quit", "File", "files.quit", 3, "", "Ctrl+Q", "Close the window"),
)
_EDIT = (
    Command("edit.undo", "Undo", "Edit", "edits.undo", 0, "undo", "Ctrl+Z", "Take the last step back", "Undo", 1, True,
            enabled="undo"),
    Command("edit.redo", "Redo", "Edit", "edits.redo", 0, "redo", "Ctrl+Shift+Z", "Do the step again", "Redo", 1, True,
            enabled="redo"),
    Command("edit.copy", "Copy table or plot", "Edit", "edits.copy", 1, "copy", "Ctrl+C",
            "Copy the table that has the keyboard as text, else the plot as a picture", enabled="entry"),
    Command("edit.delete", "Delete component", "Edit", "edits.delete_component", 1, "delete", "Del",
            "Delete the chosen component", enabled="component", local=True),
    Command("edit.delete_region", "Delete region", "Edit", "edits.delete_region", 1, "", "",
            "Delete the shown region with its components", enabled="fit"),
)
_DATA = (
    Command("data.charge", "Charge reference…", "Data", "edits.charge_reference", 0, "charge", "Ctrl+E",
            "Shift all spectra of the sample to a known binding energy", enabled="entry"),
    Command("data.photon", "Photon energy…", "Data", "edits.photon_energy", 0, "", "",
            "Tell the photon energy of a spectrum that is on a kinetic-energy axis", enabled="kinetic"),
    Command("data.rename", "Rename", "Data", "edits.rename", 1, "rename", "F2",
            "Give the spectrum another name", enabled="entry"),
    Command("data.remove", "Remove spectrum", "Data", "edits.remove_spectrum", 1, "delete", "",
            "Take the spectrum out of the project", enabled="entry"),
    Command("data.next", "Next spectrum", "Data", "edits.next_spectrum", 2, "", "Ctrl+PgDown",
            "Show the next spectrum", enabled="entry"),
    Command("data.previous", "Previous spectrum", "Data", "edits.previous_spectrum", 2, "", "Ctrl+PgUp",
            "Show the spectrum before", enabled="entry"),
)
_FIT = (
    Command("fit.region_tool", "Draw region", "Fit", "fits.region_tool", 0, "region", "R",
            "Draw a region to fit over the spectrum", "Region", 2, enabled="entry", checkable=True),
    Command("fit.background", "Background", "Fit", "fits.set_background", 0, "background",
            tip="Choose the background of the region", toolbar="Background", bar_group=2, enabled="fit",
            fill="backgrounds"),
    Command("fit.peak_tool", "Add peak", "Fit", "fits.peak_tool", 0, "peak", "P",
            "Click on the plot to add a peak", "Peak", 2, enabled="fit", checkable=True),
    Command("fit.doublet", "Add doublet…", "Fit", "fits.doublet", 0, "doublet", "D",
            "Add a spin-orbit pair with ratio and splitting from the library", "Doublet", 2, enabled="fit"),
    Command("fit.suggest", "Suggest", "Fit", "fits.suggest", 0, "suggest", "Ctrl+G",
            "Propose doublets and compounds from the library, with their sources", "Suggest", 2, enabled="fit"),
    Command("fit.region", "Fit region", "Fit", "fits.fit_region", 1, "fit", "Ctrl+Return",
            "Fit the shown region", "Fit", 3, enabled="components"),
    Command("fit.many_starts", "Fit from many starts", "Fit", "fits.fit_from_many_starts", 1, "starts",
            "Ctrl+Alt+Return", "Fit the shown region from 20 places about its model and keep the best end",
            enabled="components"),
    Command("fit.sample", "Fit sample", "Fit", "fits.fit_sample", 1, "fit_all", "Ctrl+Shift+Return",
            "Fit all regions of the sample", enabled="entry"),
    Command("fit.live", "Live fit", "Fit", "fits.set_live", 1, "live", "L",
            "Fit again after every change by hand", "Live", 3, enabled="entry", checkable=True),
    Command("fit.intervals", "Error intervals…", "Fit", "fits.error_intervals", 1, "intervals", "Ctrl+U",
            "Intervals of the shown region's parameters by profile likelihood or bootstrap", enabled="components"),
    Command("fit.stop", "Stop", "Fit", "fits.stop", 1, "stop", "Ctrl+.", "Stop the work under way", enabled="busy"),
)
_QUANTIFY = (
    Command("quantify.sample", "Quantify sample", "Quantify", "fits.quantify", 0, "quantify", "Ctrl+T",
            "Composition of the sample with uncertainties", "Quantify", 4, enabled="entry"),
    Command("quantify.material", "Material…", "Quantify", "edits.material", 0, "", "",
            "Choose the material in which electrons are attenuated", enabled="entry"),
)
_VIEW = (
    Command("view.project", "Project", "View", "looks.show_project", 0, "", "Ctrl+1",
            "Show or hide the list of spectra", checkable=True),
    Command("view.inspector", "Inspector", "View", "looks.show_inspector", 0, "", "Ctrl+2",
            "Show or hide model, processing, calibration, quantification and library", checkable=True),
    Command("view.results", "Results", "View", "looks.show_results", 0, "", "Ctrl+3",
            "Show or hide composition, statistics, history and log", checkable=True),
    Command("view.layout", "Restore layout", "View", "looks.restore_layout", 0, "", "", "Panels as at the first start"),
    Command("view.full", "Full scale", "View", "looks.full_scale", 1, "full_scale", "Ctrl+0",
            "Show the whole spectrum", enabled="entry"),
    Command("view.light", "Light", "View/Theme", "looks.set_theme", 2, choice="theme", argument="light"),
    Command("view.dark", "Dark", "View/Theme", "looks.set_theme", 2, choice="theme", argument="dark"),
    Command("view.system", "As the system", "View/Theme", "looks.set_theme", 2, choice="theme", argument="system"),
    Command("view.focus", "Go to the plot", "View", "looks.focus_plot", 1, "", "Ctrl+L", "Give the plot the keyboard",
            enabled="entry"),
)
_HELP = (
    Command("help.search", "Find a command or a line…", "Help", "looks.focus_search", 0, "search", "Ctrl+K",
            "Find commands, elements, lines and compounds"),
    Command("help.shortcuts", "Keyboard shortcuts", "Help", "looks.shortcuts", 0, "keyboard", "F1", "All shortcuts"),
    Command("help.about", "About Sodalite", "Help", "looks.about", 1, "info", "", "Version and licence"),
)
COMMANDS: tuple[Command, ...] = (*_FILE, *_EDIT, *_DATA, *_FIT, *_QUANTIFY, *_VIEW, *_HELP)


def command(id: str) -> Command:
    """The command of that id."""
    return next(c for c in COMMANDS if c.id == id)


def conditions(document: Document, tasks: Tasks) -> dict[str, bool]:
    """Which conditions of commands hold at the moment, by name."""
    entry, fit = document.entry, document.fit
    kinetic = entry is not None and entry.spectrum.axis.quantity == "kinetic_energy"
    return {
        "always": True,
        "project": bool(document.project.entries),
        "entry": entry is not None,
        "kinetic": kinetic,
        "fit": fit is not None,
        "components": fit is not None and bool(fit.model.components),
        "component": document.selection.component is not None,
        "undo": bool(document.undo_text),
        "redo": bool(document.redo_text),
        "busy": tasks.busy,
    }


CONDITIONS = ("always", "project", "entry", "kinetic", "fit", "components", "component", "undo", "redo", "busy")
