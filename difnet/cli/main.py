"""Entry point: an error is one line on standard error.

Exit code 2 for bad input, 1 for a failed run, 75 for a training that was asked to stop and can be continued,
130 for an interrupt from the keyboard.
"""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
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

    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    try:
        return app(standalone_mode=False) or 0
    except InputError as error:
        _fail(error, code=2)
    except usage_error as error:
        _fail(f"{error}; see 'difnet --help' or 'difnet COMMAND --help'", code=2)
    except RunError as error:
        _fail(error, code=error.exit_code)
    except typer.Abort:
        return INTERRUPTED


def _fail(error: object, *, code: int) -> NoReturn:
    message = " ".join(str(error).split())
    print(f"difnet: {message}", file=sys.stderr)
    sys.exit(code)
