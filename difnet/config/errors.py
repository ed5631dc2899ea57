"""The two errors that a user may meet; the command line prints their message on one line."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: a configuration, a file or an argument that the user can mend (exit code 2)."""


class RunError(RuntimeError):
    """A failure while running, from valid input (exit code 1)."""

    exit_code = 1


class PreemptedError(RunError):
    """Stopped by Ctrl-C, SIGTERM or SIGUSR1, all work saved; the same command continues it (exit code 75)."""

    exit_code = 75
    """EX_TEMPFAIL of sysexits.h, on which batch systems are told to requeue."""
