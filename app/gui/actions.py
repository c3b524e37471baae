"""The one table of what the window can do. Menus, toolbar, shortcuts, command search and the manual are made from it.

Each command names its handler as "controller.method" of the window (`window.fits.fit_region`) and the condition under
which it makes sense. A command that does not work does not belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.actions_eels import EELS
from app.gui.actions_sims import SIMS
from app.gui.command import Command
from app.project import joint
from fitting.sims.kinds import kind_of

if TYPE_CHECKING:
    from app.gui.document import Document
    from app.gui.tasks import Tasks


MENUS = ("File", "Edit", "Data", "Fit", "Quantify", "EELS", "SIMS", "View", "Help")

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
    Command("file.collect", "Collect data…", "File", "files.collect", 1, "", "",
            "Copy the images that stay in their files into a folder beside the project", enabled="outside"),
    Command("file.import", "Import spectra…", "File", "files.import_spectra", 2, "import", "Ctrl+I",
            "Add the spectra of files to this project"),
    Command("file.folder", "Process a folder with a template…", "File", "batch.process_folder", 2, "", "",
            "Read, fit and quantify every file of a folder: one project, one table, a list of failures"),
    Command("file.export_csv", "CSV tables in a folder…", "File/Export", "exports.csv", 2, "", "",
            "Curves, peaks and composition as text tables", enabled="project"),
    Command("file.export_hdf5", "HDF5 (NeXus)…", "File/Export", "exports.hdf5", 2, "", "",
            "Data, models and results in one HDF5 file", enabled="project"),
    Command("file.export_vamas", "VAMAS…", "File/Export", "exports.vamas", 2, "", "",
            "Spectra in the exchange format ISO 14976", enabled="project"),
    Command("file.export_xlsx", "Excel workbook…", "File/Export", "exports.xlsx", 2, "", "",
            "Compositions, peaks, parameters and curves in one workbook", enabled="project"),
    Command("file.export_msa", "EMSA/MAS…", "File/Export", "exports.msa", 3, "", "",
            "The energy-loss spectrum of the plot as .msa, with beam energy and angles", enabled="eels"),
    Command("file.export_hspy", "HyperSpy…", "File/Export", "exports.hspy", 3, "", "",
            "The shown energy-loss spectrum or the whole image as .hspy, after its processing", enabled="eels"),
    Command("file.export_maps", "Maps as TIFF and CSV…", "File/Export", "exports.maps", 3, "", "",
            "All maps of the shown image in a folder: values, errors and flags", enabled="mapped"),
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
    Command("edit.copy_model", "Copy model", "Edit", "batch.copy_model", 1, "", "Ctrl+Shift+C",
            "Copy regions, components and calibration of the shown spectrum", enabled="fit"),
    Command("edit.paste_model", "Paste model", "Edit", "batch.paste_model", 1, "", "Ctrl+Shift+V",
            "Put the copied regions and components on the chosen spectra", enabled="entry"),
    Command("edit.delete", "Delete component", "Edit", "edits.delete_component", 1, "delete", "Del",
            "Delete the chosen component", enabled="component", local=True),
    Command("edit.delete_region", "Delete region", "Edit", "edits.delete_region", 1, "", "",
            "Delete the shown region with its components", enabled="fit"),
)
_DATA = (
    Command("data.charge", "Charge reference…", "Data", "edits.charge_reference", 0, "charge", "Ctrl+E",
            "Shift all spectra of the sample to a known binding energy", enabled="photoelectrons"),
    Command("data.photon", "Photon energy…", "Data", "edits.photon_energy", 0, "", "",
            "Tell the photon energy of a spectrum whose file does not record it", enabled="photon"),
    Command("data.casa", "Use CasaXPS's regions and components", "Data", "series.use_casa", 0, "", "",
            "Take over calibration, regions, components and links that CasaXPS stored in the file", enabled="casa"),
    Command("data.combine", "Combine into a series", "Data", "series.combine", 3, "", "",
            "Make one series of the chosen spectra, or of all of the same sample and region", enabled="entry"),
    Command("data.split", "Split series into spectra", "Data", "series.split", 3, "", "",
            "Make a single spectrum of every level of the shown series", enabled="series"),
    Command("data.process", "Processing steps…", "Data", "data.process", 0, "", "",
            "Normalise, take out spikes and satellites, smooth, convert: recorded steps", enabled="entry"),
    Command("data.copy_calibration", "Copy calibration to chosen spectra", "Data", "data.copy_calibration", 0, "", "",
            "Energy scale and charge shift of the shown spectrum for all chosen ones", enabled="several"),
    Command("data.average", "Mean", "Data/New spectrum from chosen", "data.average", 3, "", "",
            "Mean of the chosen spectra, weighted by live time", enabled="several"),
    Command("data.add", "Sum", "Data/New spectrum from chosen", "data.add", 3, "", "",
            "Sum of the chosen spectra; counts stay counts", enabled="several"),
    Command("data.subtract", "Difference A − B", "Data/New spectrum from chosen", "data.subtract", 3, "", "",
            "The first of two chosen spectra minus the second", enabled="two"),
    Command("data.divide", "Ratio A / B", "Data/New spectrum from chosen", "data.divide", 3, "", "",
            "The first of two chosen spectra divided by the second", enabled="two"),
    Command("data.repeats", "Series of repeats", "Data/New spectrum from chosen", "data.repeats", 3, "", "",
            "Join repeats of one measurement to a series of sweeps", enabled="several"),
    Command("data.compare_sweeps", "Compare sweeps", "Data", "data.compare_sweeps", 3, "", "",
            "Energy shift and intensity of every sweep", enabled="series"),
    Command("data.align_sweeps", "Align and add sweeps", "Data", "data.align_sweeps", 3, "", "",
            "Add the sweeps of a series, each moved back by its shift", enabled="series"),
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
            "Draw a region to fit over the spectrum", "Region", 2, enabled="fittable", checkable=True),
    Command("fit.background", "Background", "Fit", "fits.set_background", 0, "background",
            tip="Choose the background of the region", toolbar="Background", bar_group=2, enabled="fit",
            fill="backgrounds"),
    Command("fit.peak_tool", "Add peak", "Fit", "fits.peak_tool", 0, "peak", "P",
            "Click on the plot to add a peak", "Peak", 2, enabled="fit", checkable=True),
    Command("fit.doublet", "Add doublet…", "Fit", "fits.doublet", 0, "doublet", "D",
            "Add a spin-orbit pair with ratio and splitting from the library", "Doublet", 2, enabled="no_losses"),
    Command("fit.preset", "Add preset", "Fit", "ties.add_preset", 0, "",
            tip="Add the lines of a compound, tied by stoichiometry and distance, or a broadened doublet",
            enabled="no_losses", fill="presets"),
    Command("fit.measured_line", "Add line of the other chosen spectrum", "Fit", "fits.measured_line", 0, "", "",
            "The line of another chosen spectrum, without its background, as a component of the shown region",
            enabled="no_losses"),
    Command("fit.suggest", "Suggest", "Fit", "fits.suggest", 0, "suggest", "Ctrl+G",
            "Propose doublets and compounds from the library, with their sources", "Suggest", 2, enabled="no_losses"),
    Command("fit.region", "Fit region", "Fit", "fits.fit_region", 1, "fit", "Ctrl+Return",
            "Fit the shown region", "Fit", 3, enabled="components"),
    Command("fit.many_starts", "Fit from many starts", "Fit", "fits.fit_from_many_starts", 1, "starts",
            "Ctrl+Alt+Return", "Fit the shown region from 20 places about its model and keep the best end",
            enabled="components"),
    Command("fit.sample", "Fit sample", "Fit", "fits.fit_sample", 1, "fit_all", "Ctrl+Shift+Return",
            "Fit all regions of the sample", enabled="entry"),
    Command("fit.chosen", "Fit chosen spectra", "Fit", "batch.fit_chosen", 1, "fit_all", "Ctrl+Alt+F",
            "Fit all regions of the chosen spectra", enabled="entry"),
    Command("fit.tied", "Fit tied regions together", "Fit", "ties.fit_tied", 1, "", "",
            "Fit the shown region and all that are tied to it at once, with one covariance", enabled="tied"),
    Command("fit.pixels", "Fit every pixel", "Fit", "images.fit_pixels", 1, "fit_all", "Ctrl+Shift+P",
            "Fit the shown region's model to every pixel of the image: maps of all parameters", enabled="image_model"),
    Command("fit.live", "Live fit", "Fit", "fits.set_live", 1, "live", "L",
            "Fit again after every change by hand", "Live", 3, enabled="fittable", checkable=True),
    Command("fit.intervals", "Error intervals…", "Fit", "fits.error_intervals", 1, "intervals", "Ctrl+U",
            "Intervals of the shown region's parameters by profile likelihood or bootstrap", enabled="components"),
    Command("fit.candidates", "Find candidates", "Fit", "candidates.open", 1, "", "Ctrl+Shift+G",
            "Rank the models of one to several chemical states that the region allows", enabled="no_losses"),
    Command("fit.remove_run", "Remove maps of a fit", "Fit", "images.remove_run", 1, fill="runs",
            tip="Take the maps that a fit of every pixel made out of the project", enabled="image"),
    Command("fit.stop", "Stop", "Fit", "fits.stop", 1, "stop", "Ctrl+.", "Stop the work under way", enabled="busy"),
    Command("fit.template", "Apply template", "Fit", "batch.apply_template", 4, fill="templates", enabled="entry",
            tip="Put the regions and components of a template on the chosen spectra"),
    Command("fit.save_template", "Save as template…", "Fit", "batch.save_template", 4, "", "",
            "Keep regions, components, charge reference and material of the chosen spectra for other samples",
            enabled="fit"),
    Command("fit.import_template", "Take a template from a file…", "Fit", "batch.import_template", 4, "", "",
            "Add a template that somebody shared to your own"),
    Command("fit.export_model", "Export model…", "Fit", "images.export_model", 4, "export", "",
            "Write region, background and components as a file for the commands fit and batch; of an image with the "
            "amounts of one pixel", enabled="fit"),
    Command("fit.propagate", "Regions and components", "Fit/Propagate to chosen spectra", "batch.propagate_both", 4,
            "", "Ctrl+Alt+P", "Put the shown spectrum's regions and components on the other chosen spectra",
            enabled="fit"),
    Command("fit.propagate_regions", "Regions only", "Fit/Propagate to chosen spectra", "batch.propagate_regions", 4,
            "", "", "Put windows and backgrounds of the shown spectrum on the other chosen spectra", enabled="fit"),
    Command("fit.propagate_components", "Components only", "Fit/Propagate to chosen spectra",
            "batch.propagate_components", 4, "", "",
            "Put the components of the shown spectrum into the regions of the other chosen spectra", enabled="fit"),
    Command("fit.propagate_calibration", "Charge reference only", "Fit/Propagate to chosen spectra",
            "batch.propagate_calibration", 4, "", "",
            "Give the other chosen spectra the charge shift of the shown one", enabled="entry"),
    Command("fit.propagate_all", "Regions, components and charge reference", "Fit/Propagate to chosen spectra",
            "batch.propagate_all", 4, "", "",
            "Give the other chosen spectra model and charge shift of the shown one", enabled="fit"),
)
_QUANTIFY = (
    Command("quantify.identify", "Identify elements", "Quantify", "identify_panel.start", 0, "search", "Ctrl+Alt+I",
            "Find the elements of the shown survey, with the evidence", enabled="photoelectrons"),
    Command("quantify.sample", "Quantify sample", "Quantify", "fits.quantify", 0, "quantify", "Ctrl+T",
            "Composition of the sample with uncertainties", "Quantify", 4, enabled="photoelectrons"),
    Command("quantify.material", "Material…", "Quantify", "edits.material", 0, "", "",
            "Choose the material in which electrons are attenuated", enabled="photoelectrons"),
    Command("quantify.by_regions", "Count by data − background", "Quantify", "quantities.by_regions", 0, "", "",
            "Count every region of the sample by data minus background, as for a survey", enabled="photoelectrons"),
    Command("quantify.by_components", "Count by components", "Quantify", "quantities.by_components", 0, "", "",
            "Count every region of the sample by its fitted components", enabled="photoelectrons"),
    Command("quantify.factors", "Import sensitivity factors…", "Quantify", "quantities.import_factors", 1, "", "",
            "Read factors from csv, text, xlsx or an element library of CasaXPS", enabled="photoelectrons"),
    Command("quantify.transmission", "Import transmission…", "Quantify", "quantities.import_transmission", 1, "", "",
            "Read a table of kinetic energies and transmissions", enabled="photoelectrons"),
    Command("quantify.bootstrap", "Bootstrap composition", "Quantify", "quantities.bootstrap", 1, "", "",
            "Errors of at.% from simulated spectra, each with its background and fit done anew",
            enabled="photoelectrons"),
    Command("quantify.spread", "Model spread", "Quantify", "quantities.model_spread", 1, "", "",
            "How far at.% move with other backgrounds, region ends and shapes", enabled="photoelectrons"),
    Command("quantify.layers", "Layers…", "Quantify", "edits.layers", 1, "", "",
            "Thickness of an overlayer, order in depth, layered structures", enabled="photoelectrons"),
)
_VIEW = (
    Command("view.project", "Project", "View", "looks.show_project", 0, "", "Ctrl+1",
            "Show or hide the list of spectra", checkable=True),
    Command("view.inspector", "Inspector", "View", "looks.show_inspector", 0, "", "Ctrl+2",
            "Show or hide model, processing, calibration, quantification and library", checkable=True),
    Command("view.results", "Results", "View", "looks.show_results", 0, "", "Ctrl+3",
            "Show or hide composition, statistics, history and log", checkable=True),
    Command("view.navigator", "Navigator", "View", "images.set_navigator", 0, "", "",
            "Show or hide the image beside the spectrum", checkable=True, enabled="image"),
    Command("view.layout", "Restore layout", "View", "looks.restore_layout", 0, "", "", "Panels as at the first start"),
    Command("view.blocks", "Blocks", "View", "batch.show_blocks", 0, "", "Ctrl+4",
            "Samples and levels as rows, lines as columns", enabled="project"),
    Command("view.trends", "Trends", "View", "batch.show_trends", 0, "", "Ctrl+5",
            "Compositions and parameters along a series or over samples", enabled="project"),
    Command("view.full", "Full scale", "View", "looks.full_scale", 1, "full_scale", "Ctrl+0",
            "Show the whole spectrum", enabled="entry"),
    Command("view.zero_loss", "Zero loss in full", "View", "looks.whole_zero_loss", 1, "", "Z",
            "Scale the plot to the zero-loss line instead of the losses", enabled="eels", checkable=True),
    Command("view.logarithmic", "Logarithmic intensity", "View", "looks.logarithmic", 1, "", "Ctrl+Shift+Y",
            "Draw the counts of a mass spectrum as their logarithm", enabled="sims_spectrum", checkable=True),
    Command("view.overlay", "Overlay chosen spectra", "View", "data.overlay", 1, "", "Ctrl+Shift+O",
            "Show all chosen spectra over each other", enabled="entry", checkable=True),
    Command("view.focus_image", "Go to the image", "View", "images.focus", 1, "", "Ctrl+Shift+L",
            "Give the image the keyboard", enabled="image"),
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
COMMANDS: tuple[Command, ...] = (*_FILE, *_EDIT, *_DATA, *_FIT, *_QUANTIFY, *EELS, *SIMS, *_VIEW, *_HELP)


def command(id: str) -> Command:
    """The command of that id."""
    return next(c for c in COMMANDS if c.id == id)


def conditions(document: Document, tasks: Tasks) -> dict[str, bool]:
    """Which conditions of commands hold at the moment, by name."""
    entry, fit = document.entry, document.fit
    axis = entry.spectrum.axis.quantity if entry is not None else ""
    technique = entry.spectrum.meta.technique if entry is not None else ""
    kind = kind_of(entry.spectrum) if entry is not None and technique == "sims" else ""
    untold = entry is not None and axis == "binding_energy" and entry.spectrum.meta.photon_energy is None
    return {
        "always": True,
        "project": bool(document.project.entries),
        "mapped": entry is not None and bool(entry.maps),
        "outside": any(entry.spectrum.stored for entry in document.project.entries),
        "entry": entry is not None,
        "photon": axis == "kinetic_energy" or untold,
        "casa": entry is not None and any(c.startswith(("CASA ", "Calib ")) for c in entry.spectrum.meta.comments),
        "series": entry is not None and bool(entry.spectrum.navigation) and technique != "sims",
        "eels": technique == "eels",
        "sims": technique == "sims",
        "sims_spectrum": kind == "spectrum",
        "sims_ions": kind in ("profile", "image", "cube"),
        "sims_profile": kind in ("profile", "cube"),
        "sims_cube": kind == "cube",
        "image": technique in ("eels", "sims") and entry is not None and bool(entry.spectrum.navigation),
        "image_model": technique == "eels" and entry is not None and bool(entry.spectrum.navigation)
        and fit is not None and bool(fit.model.components),
        "fittable": entry is not None and kind in ("", "spectrum"),
        "no_losses": fit is not None and axis != "energy_loss" and technique != "sims",
        "photoelectrons": technique in ("xps", "other"),
        "several": len(document.chosen) > 1,
        "two": len(document.chosen) == 2,
        "fit": fit is not None,
        "components": fit is not None and bool(fit.model.components),
        "component": document.selection.component is not None,
        "tied": entry is not None and fit is not None and bool(document.project.ties)
        and joint.is_tied(document.project, entry.id, fit.id),
        "undo": bool(document.undo_text),
        "redo": bool(document.redo_text),
        "busy": tasks.busy,
    }


CONDITIONS = (
    "always", "project", "outside", "entry", "photon", "fit", "components", "component", "undo", "redo", "busy", "casa",
    "series", "several", "two", "tied", "eels", "image", "image_model", "no_losses", "photoelectrons", "mapped",
    "fittable",
    "sims", "sims_spectrum", "sims_ions", "sims_profile", "sims_cube",
)
