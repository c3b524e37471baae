"""Time-of-flight secondary ion mass spectrometry: mass scale, dead time, interfaces, non-negative factors."""
