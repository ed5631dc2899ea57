"""The command line: each command reads its arguments, calls one stage and prints where the result is.

Stages are imported inside the commands, since PyTorch takes seconds to import.
"""

from __future__ import annotations

import typer

from difnet.cli.analyse import analyse
from difnet.cli.clean import clean
from difnet.cli.evaluate import evaluate
from difnet.cli.gallery import gallery
from difnet.cli.lease import lease
from difnet.cli.list import list_catalogue
from difnet.cli.new_ablation import new_ablation
from difnet.cli.plan import plan_benchmark
from difnet.cli.predict import predict
from difnet.cli.prepare import prepare
from difnet.cli.pretext import pretext
from difnet.cli.report import report
from difnet.cli.time import time
from difnet.cli.train import train

app = typer.Typer(
    help="DifNet-Bench: reproducibility and ablation benchmarks of DifNet (NeurIPS 2018).",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("plan")(plan_benchmark)
app.command()(prepare)
app.command()(pretext)
app.command()(train)
app.command()(evaluate)
app.command()(analyse)
app.command()(gallery)
app.command()(report)
app.command()(time)
app.command()(predict)
app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(lease)
app.command("list")(list_catalogue)
app.command("new-ablation")(new_ablation)
app.command()(clean)
