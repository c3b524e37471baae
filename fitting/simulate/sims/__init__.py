"""Forward models of ToF-SIMS data with known truth."""
