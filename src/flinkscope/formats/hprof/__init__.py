"""HPROF heap dumps of HotSpot (1.0.1 and 1.0.2): bytes to records. No graph and no meaning here; that is ``heap/``."""
