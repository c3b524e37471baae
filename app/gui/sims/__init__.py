"""Pages and views of ToF-SIMS data."""
