"""formats/hprof."""
