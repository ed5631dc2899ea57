"""Schema of benchmarks and ablations, and their resolution into plans and the configuration of a run."""

from difnet.config.benchmark_plan import BenchmarkPlan, Plan, PlannedVariant, plan, read_plan
from difnet.config.errors import InputError, PreemptedError, RunError
from difnet.config.files import atomic_path, read_yaml, validate, write_text
from difnet.config.project import Project, check_name, project_root, work_folder
from difnet.config.resolve import resolve_run
from difnet.config.run_config import RunConfig, training_steps
from difnet.config.run_folder import RunFolder, load_run
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
    PretextConfig,
    TimingConfig,
    TransitionConfig,
)
from difnet.config.source_code import code_sha256
from difnet.config.suggestions import nearest
from difnet.config.train_schema import TrainConfig
from difnet.config.variants import ablation_of, match_ablations

__all__ = [
    "DIFFUSIONS",
    "LEVELS",
    "PROTOCOL",
    "AblationConfig",
    "BenchmarkConfig",
    "BenchmarkPlan",
    "DataConfig",
    "EvaluateConfig",
    "InputError",
    "LevelName",
    "ModelConfig",
    "Plan",
    "PlannedVariant",
    "PreemptedError",
    "PretextConfig",
    "Project",
    "RunConfig",
    "RunError",
    "RunFolder",
    "TimingConfig",
    "TrainConfig",
    "TransitionConfig",
    "ablation_of",
    "atomic_path",
    "check_name",
    "code_sha256",
    "load_run",
    "match_ablations",
    "nearest",
    "plan",
    "project_root",
    "read_plan",
    "read_yaml",
    "resolve_run",
    "training_steps",
    "validate",
    "work_folder",
    "write_text",
]
