"""diagnosis/rules."""
