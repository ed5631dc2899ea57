"""The command `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    archive: Annotated[Path, typer.Argument(help="An archive that `difnet publish` has written.")],
    into: Annotated[
        Path | None, typer.Option(help="Merge it into this folder of results; nothing there is overwritten.")
    ] = None,
) -> None:
    """Check that an archive is what was published, to the byte, and merge it where a folder is given.

    Example: difnet verify shapes.zip
    Example: difnet verify shapes.zip --into results
    """
    from difnet.report.archive import unpack
    from difnet.report.archive import verify as check

    files = check(archive)
    typer.echo(f"{archive}: {len(files)} files, all as they were published")
    if into is not None:
        other = unpack(archive, into)
        if other:
            typer.echo(
                f"{len(other)} tables and pages there are of other runs and stay, {into / other[0]} first; "
                "plan, analyse and report all runs together",
                err=True,
            )
