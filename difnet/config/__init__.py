"""Schema of benchmarks and ablations, and their resolution into the configuration of a run."""

from difnet.config.catalogue import (
    ablation_names,
    benchmark_names,
    check_name,
    load_ablation,
    load_benchmark,
)
from difnet.config.errors import InputError, PreemptedError, RunError
from difnet.config.files import atomic_path, nearest, project_root, read_yaml, write_text, write_yaml
from difnet.config.plan import Plan, plan, training_steps
from difnet.config.resolve import load_run, resolve_run
from difnet.config.schema import (
    DIFFUSIONS,
    LEVELS,
    PROTOCOL,
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
from difnet.config.selection import load_variant, match_ablations, select_ablations, with_selection
from difnet.config.sweep import ablation_of

__all__ = [
    "DIFFUSIONS",
    "LEVELS",
    "PROTOCOL",
    "AblationConfig",
    "BenchmarkConfig",
    "DataConfig",
    "EvaluateConfig",
    "InputError",
    "LevelName",
    "ModelConfig",
    "Plan",
    "PreemptedError",
    "RunConfig",
    "RunError",
    "TimingConfig",
    "TrainConfig",
    "TransitionConfig",
    "ablation_names",
    "ablation_of",
    "atomic_path",
    "benchmark_names",
    "check_name",
    "load_ablation",
    "load_benchmark",
    "load_run",
    "load_variant",
    "match_ablations",
    "nearest",
    "plan",
    "project_root",
    "read_yaml",
    "resolve_run",
    "select_ablations",
    "training_steps",
    "with_selection",
    "write_text",
    "write_yaml",
]
