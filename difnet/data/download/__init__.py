"""`difnet prepare NAME --download`: archives that are fetched, checked and unpacked."""
