"""One incident a file: its job, its sizes, how it is run and cured."""
