"""Spectrum images: places on them, and maps computed from them."""
