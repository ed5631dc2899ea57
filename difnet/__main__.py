"""Run the command line with `python -m difnet`."""

from difnet.cli.main import main

main()
