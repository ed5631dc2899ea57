"""One module a data set, found by its file name; each defines one `difnet.data.Dataset`."""
