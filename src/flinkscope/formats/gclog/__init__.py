"""formats/gclog."""
