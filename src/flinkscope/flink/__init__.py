"""Flink's own terms: its options and memory model, and the lens that finds its state inside a heap dump."""
