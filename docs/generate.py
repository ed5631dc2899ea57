"""Pages that are made of the code when the site is built: the command line, and the keys of YAML files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.write_schemas import schemas

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "section",
    "null": "`null`",
}
SECTIONS = {
    "data": "DataConfig",
    "model": "ModelConfig",
    "model.transition": "TransitionConfig",
    "model.pretext": "PretextConfig",
    "train": "TrainConfig",
    "evaluate": "EvaluateConfig",
    "timing": "TimingConfig",
    "limits": "LimitsConfig",
}


def write_pages(folder: Path) -> None:
    """Write `cli.md` and `keys.md`."""
    folder.mkdir(exist_ok=True)
    (folder / "cli.md").write_text(command_line(), encoding="utf-8")
    (folder / "keys.md").write_text(keys(), encoding="utf-8")


def command_line() -> str:
    """All commands with their options, as typer documents them."""
    command = [sys.executable, "-m", "typer", "difnet.cli.app", "utils", "docs", "--name", "difnet"]
    page = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    page = page.replace("# `difnet`", "# The command line", 1)
    # Typer joins the lines of a docstring; an example is a line of its own.
    return re.sub(r"\s*Example: (.+)", r"\n\n    \1", page)


def keys() -> str:
    """Every key of a benchmark and of an ablation in tables."""
    found = schemas()
    benchmark, ablation = found["benchmark"], found["ablation"]
    lines = [
        "# Keys of benchmarks and ablations",
        "",
        "A benchmark is a file of `workflow/benchmarks/`, an ablation one of `ablations/`. An unknown key is",
        "an error that names the nearest one. Editors that know YAML schemas complete and check keys after a",
        "first line `# yaml-language-server: $schema=../schemas/benchmark.schema.json` (in a benchmark) or",
        "`# yaml-language-server: $schema=../workflow/schemas/ablation.schema.json` (in an ablation), as",
        "`difnet new-ablation` writes it.",
    ]
    for title, section in (("A benchmark", benchmark), ("An ablation", ablation)):
        lines += table(title, section)
    for name, definition in SECTIONS.items():
        lines += table(f"`{name}`", benchmark["$defs"][definition])
    return "\n".join(lines) + "\n"


def table(title: str, section: dict[str, Any]) -> list[str]:
    """The keys of one section."""
    required = section.get("required", [])
    rows = []
    for key, value in section["properties"].items():
        default = "required" if key in required else written(value["default"]) if "default" in value else ""
        cells = (f"`{key}`", values(value), default, value.get("description", ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return ["", f"## {title}", "", "| key | values | default | meaning |", "|---|---|---|---|", *rows]


def written(default: object) -> str:
    """A default as YAML has it; of a section none, since its own table says them."""
    return "" if isinstance(default, dict) else f"`{json.dumps(default)}`"


def values(value: dict[str, Any]) -> str:
    """What a key takes, in words."""
    if "anyOf" in value:
        return " or ".join(values(one) for one in value["anyOf"])
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if value.get("type") == "array":
        items = value["prefixItems"][0] if "prefixItems" in value else value["items"]
        count = f"{len(value['prefixItems'])} of: " if "prefixItems" in value else "list of: "
        return f"{count}{values(items)}" if items else "list"
    kind = value.get("type", "object" if "$ref" in value else "")
    low, high = bound(value, "inimum", "≥", ">"), bound(value, "aximum", "≤", "<")
    return " ".join(part for part in (TYPES.get(kind, "any"), low, high) if part)


def bound(value: dict[str, Any], name: str, inclusive: str, exclusive: str) -> str:
    """One end of the range of a number."""
    for key, sign in ((f"m{name}", inclusive), (f"exclusiveM{name}", exclusive)):
        if key in value:
            return f"{sign} {value[key]}"
    return ""
