"""The commands: one file a command; parse arguments, call one API function, choose a renderer and an exit code."""
