"""Entry point: an error is one line on standard error.

Exit code 2 for bad input, 1 for a failed run, 75 for a training that was asked to stop and can be continued,
130 for an interrupt from the keyboard.
"""

from __future__ import annotations

import gc
import io
import sys
from typing import Any, NoReturn

INTERRUPTED = 130
ALLOCATIONS = 100_000
"""Between two searches for garbage. Importing PyTorch makes half a million objects and no garbage; Python's
700 would take 0.3 s of every command."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(ALLOCATIONS)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that the terminal has no letters for
    try:
        code = _run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        _fail("interrupted", code=code)
    sys.exit(code)


def _run() -> int:
    """The exit code of the command; its imports are here, so that they can be interrupted too."""
    import typer

    from difnet.cli.app import app
    from difnet.config import InputError, RunError

    usage_error: Any = typer.BadParameter.__mro__[1]
    try:
        return app(standalone_mode=False) or 0
    except InputError as error:
        _fail(error, code=2)
    except usage_error as error:
        problem = error.format_message().rstrip(".").replace("Value error, ", "")
        _fail(f"{problem}; see 'difnet --help' or 'difnet COMMAND --help'", code=2)
    except RunError as error:
        _fail(error, code=error.exit_code)
    except OSError as error:
        # The call for the working directory is the one that fails so without a name.
        gone = isinstance(error, FileNotFoundError) and not error.filename
        where = "the working directory: " if gone else f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", code=1)
    except MemoryError as error:
        _fail(f"out of memory: {error}", code=1)
    except typer.Abort as abort:
        # Click takes every EOFError for the end of what somebody types; no command asks for anything.
        if isinstance(abort.__cause__, EOFError):
            raise abort.__cause__ from None
        return INTERRUPTED
    except RuntimeError as error:
        from difnet.machine.memory import ran_out, shortage

        if not ran_out(error):
            raise
        _fail(f"{shortage(error)}; end what else uses it, or lower evaluate.batch_size", code=1)


def _fail(error: object, *, code: int) -> NoReturn:
    message = " ".join(str(error).split())
    print(f"difnet: {message}", file=sys.stderr)
    sys.exit(code)
