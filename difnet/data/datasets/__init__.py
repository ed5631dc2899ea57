"""One file or folder a data set, found by its name; each defines one `difnet.data.Dataset`."""
