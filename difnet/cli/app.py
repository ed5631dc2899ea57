"""The command line: each command reads its arguments, calls one stage and prints where the result is.

Stages are imported inside the commands, since PyTorch takes seconds to import.
"""

from __future__ import annotations

from typing import Annotated

import typer

import difnet
from difnet.cli.analyse import analyse
from difnet.cli.clean import clean
from difnet.cli.diff import diff
from difnet.cli.evaluate import evaluate
from difnet.cli.export import export
from difnet.cli.gallery import gallery
from difnet.cli.init import init
from difnet.cli.lease import lease
from difnet.cli.list import list_catalogue
from difnet.cli.new_ablation import new_ablation
from difnet.cli.plan import plan_benchmark
from difnet.cli.predict import predict
from difnet.cli.prepare import prepare
from difnet.cli.pretext import pretext
from difnet.cli.publish import publish
from difnet.cli.report import report
from difnet.cli.status import status
from difnet.cli.time import time
from difnet.cli.train import train
from difnet.cli.verify import verify

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def without_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say the version and leave.")] = False,
) -> None:
    """DifNet-Bench: reproducibility and ablation benchmarks of DifNet (NeurIPS 2018)."""
    if context.invoked_subcommand is None:
        typer.echo(f"difnet {difnet.__version__}" if version else context.get_help())


app.command()(init)
app.command("plan")(plan_benchmark)
app.command()(prepare)
app.command()(pretext)
app.command()(train)
app.command()(evaluate)
app.command()(analyse)
app.command()(gallery)
app.command()(report)
app.command()(export)
app.command()(publish)
app.command()(verify)
app.command()(time)
app.command()(predict)
app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(lease)
app.command("list")(list_catalogue)
app.command("new-ablation")(new_ablation)
app.command()(status)
app.command()(diff)
app.command()(clean)
