"""``python -m flinkscope``."""

from flinkscope.cli.main import main

main()
