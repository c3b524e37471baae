"""Pages for energy-loss spectra."""
