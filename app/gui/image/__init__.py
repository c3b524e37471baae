"""Spectrum images in the window: navigator, maps, factors."""
