"""What a process needs of its machine: GPUs, locks, signals, progress, and the record of what it ran on."""
