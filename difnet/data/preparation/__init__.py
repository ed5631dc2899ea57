"""`difnet prepare`: all files of a data set read, checked and stored as plain pixels."""
