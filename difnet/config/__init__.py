"""Schema of benchmarks and ablations, and their resolution into the configuration of a run."""

from difnet.config.catalogue import (
    ablation_names,
    benchmark_names,
    load_ablation,
    load_benchmark,
    select_ablations,
)
from difnet.config.errors import InputError, RunError
from difnet.config.files import atomic_path, nearest, project_root, read_yaml, write_text, write_yaml
from difnet.config.resolve import load_run, resolve_run
from difnet.config.schema import (
    LEVELS,
    AblationConfig,
    BenchmarkConfig,
    DataConfig,
    EvaluateConfig,
    LevelName,
    ModelConfig,
    RunConfig,
    TimingConfig,
    TrainConfig,
    TransitionConfig,
)

__all__ = [
    "LEVELS",
    "AblationConfig",
    "BenchmarkConfig",
    "DataConfig",
    "EvaluateConfig",
    "InputError",
    "LevelName",
    "ModelConfig",
    "RunConfig",
    "RunError",
    "TimingConfig",
    "TrainConfig",
    "TransitionConfig",
    "ablation_names",
    "atomic_path",
    "benchmark_names",
    "load_ablation",
    "load_benchmark",
    "load_run",
    "nearest",
    "project_root",
    "read_yaml",
    "resolve_run",
    "select_ablations",
    "write_text",
    "write_yaml",
]
