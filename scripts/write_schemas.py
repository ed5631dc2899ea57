"""Write the JSON schemas of benchmarks and ablations, by which editors complete and check YAML files.

Example: python scripts/write_schemas.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import difnet.config.schema
from difnet.config import (
    AblationConfig,
    BenchmarkConfig,
    EvaluateConfig,
    ModelConfig,
    TrainConfig,
    write_text,
)
from scripts.document_tables import meanings

FOLDER = Path(__file__).parents[1] / "workflow" / "schemas"
SECTIONS: dict[str, type[BaseModel]] = {
    "model": ModelConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
}
"""Sections that an ablation may hold a part of."""


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind of file by its name."""
    benchmark = described(BenchmarkConfig)
    ablation = described(AblationConfig)
    ablation["$defs"] = benchmark["$defs"]
    for name, section in SECTIONS.items():
        ablation["properties"][name] = {"$ref": f"#/$defs/{section.__name__}"}
    return {"benchmark": benchmark, "ablation": ablation}


def described(config: type[BaseModel]) -> dict[str, Any]:
    """The schema of a kind of file, with what the code says of every key."""
    schema = config.model_json_schema()
    for name, section in {config.__name__: schema, **schema.get("$defs", {})}.items():
        words = meanings(getattr(difnet.config.schema, name))
        for key, value in section["properties"].items():
            value.pop("title", None)
            if key in words:
                value["description"] = words[key].replace("\\|", "|").replace("`", "")
    return schema


if __name__ == "__main__":
    for name, schema in schemas().items():
        write_text(FOLDER / f"{name}.schema.json", json.dumps(schema, indent=1) + "\n")
