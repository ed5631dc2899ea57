"""What a start of the workflow selects: `workflow/config.yaml`, or `snakemake --config`."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, PositiveInt

from difnet.config.base_schema import Section, Seeds
from difnet.config.errors import InputError
from difnet.config.files import parse_yaml, validate
from difnet.config.run_config import RunConfig
from difnet.config.schema import BenchmarkConfig, TimingConfig
from difnet.config.suggestions import dotted_keys, nearest_key
from difnet.config.variants import ablation_of

PLACE = "workflow/config.yaml or --config"
LONGEST_SUFFIX = 60
"""Characters of a folder's name beyond the benchmark's; longer ones are hashed."""


def _as_list(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _typed(value: object) -> object:
    """What a word of Snakemake's command line says, where all values are text: `null`, `true`, a number."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    try:
        return parse_yaml(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return value


class Selection(Section):
    """Keys of `workflow/config.yaml`, which `snakemake --config` may change."""

    benchmarks: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    ablations: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Names, tags or globs that replace the selection of every benchmark, beside its reference."""
    claims: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Claims whose ablations are added to those, or alone replace the selection of every benchmark."""
    seeds: Annotated[Seeds, BeforeValidator(_as_list)] = ()
    """Seeds that replace those of every benchmark."""
    set: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Assignments such as `train.steps=100`, applied to every run: another recipe, in a folder of its own."""
    sweep: Annotated[dict[str, list[Any]], BeforeValidator(_typed)] = Field(default_factory=dict)
    """Values to try of some keys, in place of every benchmark's own sweep."""
    timing: bool | None = None
    """False: nothing is timed; true: what a benchmark says, or the default grid where it says false."""
    processes: PositiveInt = 1
    """Processes of every training, each with a GPU of its own where there are any."""
    yes: bool = False
    """Start although the trainings take longer than `limits.gpu_hours` of a benchmark."""

    def claims_of(self, benchmark: BenchmarkConfig) -> tuple[str, ...]:
        """The claims whose ablations are run: this selection's, or the benchmark's where it has none."""
        return self.claims or (() if self.ablations else benchmark.claims)

    def of(self, benchmark: BenchmarkConfig, claimed: Sequence[str] | None = None) -> BenchmarkConfig:
        """A benchmark with this selection's ablations, seeds, sweep and timing, where there are any.

        Args:
            benchmark: As its file says.
            claimed: The ablations that `claims_of` it need; None where there are no such claims.
        """
        changes: dict[str, object] = {}
        if self.ablations or claimed is not None:
            own = benchmark.ablations if "ablations" in benchmark.model_fields_set and not self.claims else ()
            changes["ablations"] = (
                ablation_of(benchmark.reference),
                *(self.ablations or own),
                *(claimed or ()),
            )
        if self.seeds:
            changes["seeds"] = self.seeds
        if self.sweep:
            changes["sweep"] = self.sweep
        if self.timing is not None:
            changes["timing"] = self.timing and (benchmark.timing or TimingConfig())
        return benchmark.model_copy(update=changes)

    @property
    def suffix(self) -> str:
        """What the name of a results folder gets: `+train.steps=5`, whatever the order; hashed where long."""
        words = sorted("".join(assignment.split()) for assignment in self.set)
        plain = [re.sub(r"[^A-Za-z0-9_.,=+-]", "_", word) for word in words]
        text = "".join(f"+{word}" for word in plain)
        if len(text) <= LONGEST_SUFFIX and plain == words:
            return text
        digest = hashlib.sha256(json.dumps(words).encode()).hexdigest()[:8]
        return f"{text[: LONGEST_SUFFIX - 9]}-{digest}"

    def command(self, *benchmarks: str) -> str:
        """The Snakemake command that plans the same runs of these benchmarks."""
        values = self.model_dump(exclude_defaults=True) | {"benchmarks": benchmarks}
        words = [f"{key}={_flow(value)}" for key, value in values.items()]
        return shlex.join(["snakemake", "--cores", "all", "--config", *words])


def read_selection(config: Mapping[str, Any]) -> Selection:
    """The selection that keys of `workflow/config.yaml` and of the command line make.

    Raises:
        InputError: If a key or a value is not valid; a key of the recipe belongs into `set`.
    """
    for name in config.keys() - Selection.model_fields:
        keys = [key for key in dotted_keys(RunConfig) if key.endswith(f".{name}")]
        if keys and f"{name}s" not in Selection.model_fields:
            raise InputError(
                f"{PLACE}: unknown key '{name}'{nearest_key(name, keys)} A recipe is changed by "
                "'set=[KEY=VALUE]'"
            )
    return validate(Selection, dict(config), PLACE)


def _flow(value: object) -> str:
    """A value as Snakemake's command line takes it: YAML on one line, quoted where it must be."""
    if isinstance(value, (list, tuple)):
        plain = all(re.fullmatch(r"[\w.@=*?/+-]+", str(item)) for item in value)
        return f"[{','.join(map(str, value))}]" if plain else json.dumps(value)
    return json.dumps(value)
