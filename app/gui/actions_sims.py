"""Commands for ToF-SIMS data: a part of the table in `app.gui.actions`."""

from __future__ import annotations

from app.gui.command import Command

_PAGE = "looks.show_page"
SIMS = (
    Command("file.import_cube", "Import cube of ions…", "File", "cubes.ask", 2, tip="Make a cube of a ToF-SIMS "
            "measurement: 3D text export (one file an ion), imzML or raw data, kept in an HDF5 file"),
    Command("file.export_profile", "Depth profile as shown…", "File/Export", "exports.profile_shown", 3, tip="The "
            "chosen traces on the chosen axis, normalised as they are drawn, with errors: CSV or Excel",
            enabled="sims_profile"),
    Command("file.export_profile_raw", "Depth profile, all ions…", "File/Export", "exports.profile_raw", 3, tip="All "
            "ions as counted, with errors, m/z and the ions each line may hold as well: CSV or Excel",
            enabled="sims_profile"),
    Command("file.export_depth", "Layers and interfaces…", "File/Export", "sims_layers.ask_file", 3, tip="Layers and "
            "interfaces of the shown profile with errors and the depth scale, as CSV", enabled="sims_profile"),
    Command("file.export_concentrations", "Concentrations…", "File/Export", "amounts_panel.sensitivity.ask_file", 3,
            tip="Sensitivity factors of the shown profile with their results, and concentrations along the depth: CSV",
            enabled="sims_profile"),
    Command("file.export_by_xps", "Composition of factors by XPS…", "File/Export", "amounts_panel.by_xps.ask_folder", 3,
            tip="Compositions of the shown profile's factors, and along the depth, with errors: CSV tables in a folder",
            enabled="sims_profile"),
    Command("sims.mass", "Mass…", "SIMS", _PAGE, 0, tip="Calibration of the mass scale, peaks, assignment",
            enabled="sims_spectrum", argument="Mass"),
    Command("sims.find_peaks", "Find peaks", "SIMS", "mass_panel.find_peaks", 0, tip="Find, measure and name the lines "
            "of the shown mass spectrum", enabled="sims_spectrum"),
    Command("sims.ions", "Ions…", "SIMS", _PAGE, 0, tip="Ions of a profile or cube: isotopes, saturation, alternatives",
            enabled="sims_ions", argument="Ions"),
    Command("sims.profiles", "Profiles…", "SIMS", _PAGE, 1, tip="Traces, normalisation, axis, other samples beside",
            enabled="sims_profile", argument="Profiles"),
    Command("sims.depth", "Depth…", "SIMS", _PAGE, 1, tip="Depth scale, interfaces, layers",
            enabled="sims_profile", argument="Depth"),
    Command("sims.layers", "Layers…", "SIMS", "depth_panel.show_layers", 1, tip="Layers in order, with thickness and "
            "interfaces", enabled="sims_profile"),
    Command("sims.factors", "Factors…", "SIMS", _PAGE, 1, tip="PCA, NMF and MCR of a profile or cube",
            enabled="sims_profile", argument="Factors"),
    Command("sims.amounts", "Amounts…", "SIMS", _PAGE, 1, tip="Concentrations by sensitivity factors in one matrix; "
            "the composition of factors after XPS", enabled="sims_profile", argument="Amounts"),
    Command("sims.keep_profile", "Add profile of the region", "SIMS", "profiles_panel.add_region", 1, tip="The profile "
            "of the chosen pixels of a cube as an entry of its own", enabled="sims_cube"),
    Command("sims.show_profile", "Show profile", "SIMS", "centre.show_profile", 2, tip="The profile of the chosen "
            "pixels in the middle of the window", enabled="sims_cube", shortcut="Ctrl+Alt+1"),
    Command("sims.show_volume", "Show volume", "SIMS", "centre.show_volume", 2, tip="The cube in three dimensions, "
            "sections and images", enabled="sims_cube", shortcut="Ctrl+Alt+2"),
    Command("sims.volume", "Volume…", "SIMS", _PAGE, 2, tip="What the volume shows; images of ions, depth sections, "
            "line profiles, overlays", enabled="sims_ions", argument="Volume"),
    Command("sims.save_volume", "Save picture of the volume…", "SIMS", "volume_panel.save_picture", 2,
            tip="The drawn volume as PNG with twice as many pixels", enabled="sims_cube"),
)  # fmt: skip
