"""heap/kernels."""
