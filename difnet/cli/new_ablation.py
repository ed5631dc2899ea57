"""The command `new-ablation`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

from difnet.cli.templates import DIFFUSION, RULES, SECTION, YAML
from difnet.config import DIFFUSIONS, InputError, Project, check_name, write_text


def new_ablation(
    name: Annotated[str, typer.Argument(help="Its name: a file of ablations/.")],
    extends: Annotated[
        str | None, typer.Option(help="The ablation to start from [default: cascade].")
    ] = None,
    part: Annotated[
        Literal["diffusion", "rules"] | None,
        typer.Option(
            "--with",
            help="Also a diffusion rule (.py); or, with no runs, workflow rules (.smk).",
        ),
    ] = None,
) -> None:
    """Write the files of a new ablation, to be filled in.

    Example: difnet new-ablation mean_walk --extends cascade --with diffusion
    """
    project = Project()
    check_name(name)
    if part == "diffusion" and name in DIFFUSIONS:
        raise InputError(f"'{name}' is a diffusion rule of the library; choose another name")
    if part == "rules" and extends is not None:
        raise InputError("--extends: --with rules has no runs, so it starts from no other; leave it out")
    extends = extends or "cascade"
    project.ablation(extends)
    folder = project.root / "ablations"
    if existing := [path for path in sorted(folder.rglob("*")) if path.stem.casefold() == name.casefold()]:
        raise InputError(
            f"{existing[0].relative_to(project.root)} exists already; choose another name or edit that file"
        )
    yaml = SECTION if part == "rules" else YAML
    model = f'{{diffusion: "{name}"}}' if part == "diffusion" else "{}"
    files = {f"{name}.yaml": yaml.format(name=name, extends=extends, model=model)}
    if part == "diffusion":
        files[f"{name}.py"] = DIFFUSION.format(name=name)
    if part == "rules":
        rule = re.sub(r"\W", "_", name)
        files[f"{name}.smk"] = RULES.replace("NAME", name).replace("RULE", rule)
    for file, text in files.items():
        write_text(folder / file, text)
        typer.echo(folder / file)
