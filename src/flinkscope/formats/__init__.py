"""What the bytes say: one module a format, bytes in, records out; no judgement, no I/O beyond the given source."""
