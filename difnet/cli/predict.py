"""The command `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from difnet.config import InputError
from difnet.machine.gpus import lease_gpus


def predict(
    images: Annotated[list[Path], typer.Argument(help="Images, and folders of images.")],
    weights: Annotated[
        Path,
        typer.Option(
            help="Run directory, folder of results, archive, or a checkpoint in the authors' parameter names."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    run: Annotated[
        str | None,
        typer.Option(metavar="VARIANT/seedK", help="Of a folder or archive [default: its reference]."),
    ] = None,
    maps: Annotated[bool, typer.Option("--maps", help="Write the importance map and the seeds too.")] = False,
    similarity: Annotated[
        str | None, typer.Option(metavar="ROW,COLUMN", help="Write where the walks from a pixel lead.")
    ] = None,
    full_size: Annotated[
        bool, typer.Option("--full-size", help="Scale no image down, though walks cost its pixels squared.")
    ] = False,
) -> None:
    """Segment images of any size: NAME.png with the class of every pixel, and NAME_overlay.png.

    Example: difnet predict photo.jpg --weights results/shapes/runs/cascade/seed0 --out predictions
    Example: difnet predict photos/ --weights authors.pth --out predictions --maps --similarity 120,80
    """
    pixel = None if similarity is None else _pixel(similarity)
    lease_gpus()
    from difnet.api import load
    from difnet.evaluation import predict_images

    predicted = predict_images(
        images, segmenter=load(weights, run=run), out=out, maps=maps, similarity=pixel, full_size=full_size
    )
    for path in predicted:
        typer.echo(path)


def _pixel(text: str) -> tuple[int, int]:
    try:
        row, column = map(int, text.split(","))
    except ValueError as error:
        raise InputError(f"--similarity '{text}': ROW,COLUMN is expected, e.g. 120,80") from error
    return row, column
