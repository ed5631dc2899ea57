"""The command line `difnet`."""
