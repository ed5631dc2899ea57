"""Entry point: an error is one line on standard error.

Exit code 2 for bad input, 1 for a failed run, 75 for a training that was asked to stop and can be continued.
"""

from __future__ import annotations

import sys

import typer

from difnet.cli.app import app
from difnet.config import InputError, RunError

UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except InputError as error:
        _fail(error, code=2)
    except UsageError as error:
        _fail(f"{error}; see 'difnet --help' or 'difnet COMMAND --help'", code=2)
    except RunError as error:
        _fail(error, code=error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", code=130)


def _fail(error: object, *, code: int) -> None:
    message = " ".join(str(error).split())
    print(f"difnet: {message}", file=sys.stderr)
    sys.exit(code)
