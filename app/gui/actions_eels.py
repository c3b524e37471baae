"""Commands for energy-loss spectra and images: a part of the table in `app.gui.actions`."""

from __future__ import annotations

from app.gui.command import Command

_PAGE = "looks.show_page"
EELS = (
    Command("eels.zero_loss", "Zero loss…", "EELS", _PAGE, 0, tip="Beam, energy scale, alignment, resolution, "
            "removal of the zero-loss peak, deconvolution", enabled="eels", argument="Zero loss"),
    Command("eels.align", "Align the zero loss", "EELS", "zero_loss_panel.align_now", 0, tip="Move the zero-loss "
            "peak of every spectrum to 0 eV; the core loss of the same scan moves along", enabled="eels"),
    Command("eels.low_loss", "Low loss…", "EELS", _PAGE, 0, tip="Thickness, plasmons, sodium or carbon, band gap, "
            "dielectric function", enabled="eels", argument="Low loss"),
    Command("eels.core_loss", "Core loss…", "EELS", _PAGE, 0, tip="Edges, backgrounds, cross-sections, composition",
            enabled="eels", argument="Core loss"),
    Command("eels.fine_structure", "Fine structure…", "EELS", _PAGE, 0, tip="V L2,3 with O K, valence, C K",
            enabled="eels", argument="Fine structure"),
    Command("eels.fit_fine", "Fit fine structure", "EELS", "fine_structure_panel.start", 0, tip="Fit the edge that the "
            "Fine structure page shows", enabled="eels"),
    Command("eels.maps", "Maps…", "EELS", _PAGE, 1, tip="Energy windows, presets, ratios, signal to noise",
            enabled="image", argument="Maps"),
    Command("eels.compute_maps", "Compute maps", "EELS", "maps_panel.start", 1, shortcut="Ctrl+Shift+M",
            tip="The maps that the Maps page asks for", enabled="image"),
    Command("eels.draw_line", "Draw line for profiles", "EELS", "maps_panel.start_line", 1,
            tip="A line over the image; the maps chosen in the gallery are shown along it", enabled="image"),
    Command("eels.save_maps", "Save figure of maps…", "EELS", "maps_panel.save_figure", 1,
            tip="The chosen maps side by side as PNG, SVG or PDF at journal width", enabled="image"),
    Command("eels.factors", "Factors…", "EELS", _PAGE, 1, tip="PCA, NMF and MCR of an image or series",
            enabled="image", argument="Factors"),
    Command("eels.use_low_loss", "Use as low loss of chosen", "EELS", "data.use_low_loss", 2, enabled="two",
            tip="Of two chosen spectra or images the one with the zero loss becomes the low loss of the other"),
)
