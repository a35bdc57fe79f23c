"""What a GC log means: one time axis, figures, live set, trend, findings, chart columns."""
