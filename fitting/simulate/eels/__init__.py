"""Simulated energy-loss measurements with known truth: spectrum images and series."""
