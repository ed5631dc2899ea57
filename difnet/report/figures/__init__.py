"""One file a figure; every one is a function from results to a `Plot`, or None where nothing was measured."""
