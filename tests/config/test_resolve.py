"""Benchmark + ablation -> run: what wins, and one line for every mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from difnet.config import DIFFUSIONS, InputError, Project, RunFolder, load_run, plan, resolve_run
from difnet.config.source_code import python_sha256
from tests.conftest import CATALOGUE

Write = Callable[[str, str], Path]
ABLATION = "title: T\nquestion: Q\n"


@pytest.fixture
def benchmark(write: Write) -> Path:
    return write(
        "workflow/benchmarks/small.yaml", "title: Small\ntrain: {steps: 7}\nmodel: {name: difnet-18}\n"
    )


def resolve(project: Path, ablation: str = "own", **arguments):
    return resolve_run(Project(project), benchmark="small", ablation=ablation, seed=3, **arguments)


def test_ablation_changes_only_what_it_names(project: Path, write: Write, benchmark: Path) -> None:
    write("ablations/own.yaml", ABLATION + "model: {restart: 0.5, transition: {kind: cosine}}\n")
    run = resolve(project)
    assert (run.variant, run.seed, run.train.steps, run.model.name) == ("own", 3, 7, "difnet-18")
    assert (run.model.restart, run.model.skip, run.model.transition.kind) == (0.5, "learned", "cosine")


def test_extending_ablation_wins_over_the_extended(project: Path, write: Write, benchmark: Path) -> None:
    write("ablations/base.yaml", ABLATION + "model: {repeats: 2, embedding_dim: 16}\n")
    write("ablations/own.yaml", ABLATION + "extends: base\nmodel: {repeats: 3}\n")
    run = resolve(project)
    assert (run.model.repeats, run.model.embedding_dim) == (3, 16)


def test_overrides_win_over_all(project: Path, write: Write, benchmark: Path) -> None:
    write("ablations/own.yaml", ABLATION + "train: {steps: 9}\n")
    run = resolve(project, overrides=["train.steps=11", "train.learning_rate=1e-3"])
    assert (run.train.steps, run.train.learning_rate) == (11, 1e-3)


def test_name_without_depth_takes_the_depth_of_the_benchmark(
    project: Path, write: Write, benchmark: Path
) -> None:
    write("ablations/own.yaml", ABLATION + "model: {name: deeplab}\n")
    assert resolve(project).model.name == "deeplab-18"


@pytest.mark.parametrize(
    ("ablation", "message"),
    [
        (
            "model: {difusion: none}",
            "ablations/own.yaml:3: unknown key 'model.difusion'; did you mean 'model.diffusion'?",
        ),
        ("modle: {}", "ablations/own.yaml:3: unknown key 'modle'; did you mean 'model'?"),
        (
            "model: {repeats: 0}",
            "ablations/own.yaml:3: model.repeats: input should be greater than 0 (found 0)",
        ),
        (
            "model:\n  skip: 0\n  restart: 2",
            "ablations/own.yaml:5: model.restart: input should be 'learned' or input should be less than or "
            "equal to 1 (found 2)",
        ),
        (
            "model: {levels: [image, layer5]}",
            "ablations/own.yaml:3: model.levels.1: input should be 'image', 'layer1'",
        ),
        ("model: {steps: 3}", "unknown key 'model.steps'; did you mean 'train.steps' or"),
        (
            "model: {diffusion: cascad}",
            "ablations/own.yaml: model.diffusion: no rule 'cascad' and no file ablations/cascad.py; "
            "did you mean 'cascade'?",
        ),
        ("model: {diffusion: ../own}", "no rule '../own'"),
        ("evaluate: {oracle_seeds: 1 percent}", "ablations/own.yaml:3: evaluate.oracle_seeds: input should"),
        ("train: {steps: many}", "train.steps: input should be a valid integer"),
        ("data: {name: camvid}", "unknown key 'data'"),
        ("model: [", "ablations/own.yaml:4: not valid YAML"),
    ],
)
def test_mistakes_in_an_ablation(
    project: Path, write: Write, benchmark: Path, ablation: str, message: str
) -> None:
    write("ablations/own.yaml", f"{ABLATION}{ablation}\n")
    with pytest.raises(InputError) as error:
        resolve(project)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_mistake_in_the_extended_ablation_names_that_file(
    project: Path, write: Write, benchmark: Path
) -> None:
    write("ablations/base.yaml", ABLATION + "model: {repeats: none}\n")
    write("ablations/own.yaml", ABLATION + "extends: base\n")
    with pytest.raises(InputError, match=r"^ablations/base.yaml:3: model.repeats"):
        resolve(project)


def test_rule_of_the_users_own_is_part_of_the_run(project: Path, write: Write, benchmark: Path) -> None:
    write("ablations/own.yaml", ABLATION + "model: {diffusion: mine}\n")
    rule = write("ablations/mine.py", "class Mine: ...\n")
    first = resolve(project)
    assert first.diffusion_sha256 == python_sha256(rule.read_bytes())
    rule.write_text("class Mine: ...  # a comment\n")
    assert resolve(project) == first
    rule.write_text("class Mine: steps = 2\n")
    assert resolve(project).training_identity() != first.training_identity()
    assert resolve(project, overrides=["model.diffusion=none"]).diffusion_sha256 is None


@pytest.mark.parametrize("name", DIFFUSIONS)
def test_rule_named_like_one_of_the_library_is_not_ignored(
    project: Path, write: Write, benchmark: Path, name: str
) -> None:
    write("ablations/own.yaml", f"{ABLATION}model: {{diffusion: {name}}}\n")
    rule = write(f"ablations/{name}.py", "class Mine: ...\n")
    with pytest.raises(InputError) as error:
        resolve(project)
    assert str(error.value) == (
        f"ablations/{name}.py: '{name}' is a rule of the library, so this file is never used; "
        "rename it, and give model.diffusion its new name"
    )
    rule.unlink()
    assert resolve(project).diffusion_sha256 is None


@pytest.mark.parametrize(
    ("network", "weights", "expected"),
    [
        ("difnet-18", "imagenet", "ResNet18_Weights.IMAGENET1K_V1"),
        ("difnet-18-50", "imagenet", "ResNet50_Weights.IMAGENET1K_V1"),
        ("difnet-18-50", "w/{depth}.pth", "w/50.pth"),
        ("pixel_prior", "imagenet", None),
        ("difnet-nano", "nano.pth", "nano.pth"),
    ],
)
def test_given_weights_follow_the_depth(network: str, weights: str, expected: str | None) -> None:
    overrides = [f"model.name={network}", f"model.weights={weights}"]
    run = resolve_run(CATALOGUE, benchmark="shapes", ablation="cascade", seed=0, overrides=overrides)
    assert run.model.weights == expected


def test_there_are_no_imagenet_weights_for_nano(project: Path, write: Write, benchmark: Path) -> None:
    write("ablations/own.yaml", ABLATION + "model: {weights: imagenet}\n")
    with pytest.raises(InputError, match=r"^own: model.weights: .* for difnet-nano; set it to null"):
        resolve(project, overrides=["model.name=difnet-nano"])


def test_as_large_as_the_other_with_given_weights_is_another_depth() -> None:
    """The paper compares DifNet-50 with Sim-DeepLab-101 (claim C2)."""
    (part,) = plan(
        CATALOGUE,
        {"benchmarks": ["voc2012"], "ablations": ["deeplab*", "difnet_equal_parameters"], "seeds": [0]},
    ).benchmarks.values()
    runs = {run.variant: run for run in part.first_runs}
    model = runs["deeplab_equal_parameters"].model
    assert (model.name, model.width, model.weights) == ("deeplab-101", 1.0, "ResNet101_Weights.IMAGENET1K_V1")
    narrow = runs["difnet_equal_parameters"].model
    assert (narrow.name, narrow.width, narrow.weights) == ("difnet-18", 1.0, "ResNet18_Weights.IMAGENET1K_V1")
    assert all(runs["cascade"].difference(run) is None for run in runs.values())


@pytest.mark.parametrize(
    ("ablation", "network", "message"),
    [
        ("deeplab_equal_parameters", "difnet-152", "no deeplab with given weights is as large"),
        ("difnet_equal_parameters", "difnet-18", "no difnet with given weights is as large"),
        ("deeplab_equal_parameters", "difnet-nano", "no deeplab with given weights is as large"),
    ],
)
def test_without_a_depth_as_large_it_is_one_line(ablation: str, network: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^{ablation}: model.width: {message}") as error:
        resolve_run(
            CATALOGUE,
            benchmark="voc2012",
            ablation=ablation,
            seed=0,
            overrides=[
                f"model.name={network.replace('difnet', ablation.partition('_')[0])}",
                "model.weights=own.pth",
            ],
        )
    assert "\n" not in str(error.value)


def test_without_given_weights_the_width_makes_it_as_large() -> None:
    run = resolve_run(
        CATALOGUE,
        benchmark="voc2012",
        ablation="deeplab_equal_parameters",
        seed=0,
        overrides=["model.weights=null"],
    )
    assert (run.model.name, run.model.width, run.model.weights) == ("deeplab-50", "equal_parameters", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ablation": "owm"}, "unknown ablation 'owm'; did you mean 'own'?"),
        (
            {"overrides": ["train.step=1"]},
            "--set train.step=1: unknown key 'train.step'; did you mean 'train.steps'?",
        ),
        ({"overrides": ["train.steps"]}, "write it as section.key=value"),
        (
            {"overrides": ["steps=3"]},
            "--set steps=3: unknown key 'steps'; did you mean 'train.steps' or 'model.pretext.steps'?",
        ),
        ({"overrides": ["variant=other"]}, "write it as section.key=value"),
        ({"overrides": ["train.steps=[1"]}, "--set train.steps=[1: the value is not valid YAML"),
        ({"overrides": ["train.learning_rate=1e400"]}, "input should be a finite number (found inf)"),
        ({"overrides": ["evaluate.scales=[1e9]"]}, "input should be less than or equal to 16"),
    ],
)
def test_mistakes_in_the_arguments(
    project: Path, write: Write, benchmark: Path, arguments: dict, message: str
) -> None:
    write("ablations/own.yaml", ABLATION)
    with pytest.raises(InputError) as error:
        resolve(project, **arguments)
    assert message in str(error.value)


def test_unknown_benchmark_names_the_nearest(project: Path, benchmark: Path) -> None:
    with pytest.raises(InputError, match="unknown benchmark 'smal'; did you mean 'small'?"):
        resolve_run(Project(project), benchmark="smal", ablation="own", seed=0)


def test_written_configuration_is_read_back_unchanged(tmp_path: Path) -> None:
    run = resolve_run(CATALOGUE, benchmark="shapes", ablation="similarity_only", seed=1)
    RunFolder(tmp_path).write_config(run, {})
    assert load_run(tmp_path) == run


def test_every_ablation_of_the_project_resolves_in_every_benchmark() -> None:
    """But for three that change what a ResNet alone has, where the backbone is another network."""
    refused = {}
    for benchmark in CATALOGUE.benchmark_names:
        for ablation in CATALOGUE.ablation_names:
            try:
                run = resolve_run(CATALOGUE, benchmark=benchmark, ablation=ablation, seed=0)
                assert run.variant == ablation
            except InputError as error:
                refused[benchmark, ablation] = str(error).partition(":")[0]
    of_resnets = {
        "authors_input": "model.normalisation",
        "deeplab_equal_parameters": "model.width",
        "difnet_equal_parameters": "model.width",
    }
    assert refused == {
        (benchmark, ablation): key
        for benchmark in ("camvid-backbones", "camvid-lite", "camvid-lite-finetuned")
        for ablation, key in of_resnets.items()
    }


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.scale=[1.4, 0.5]", r"from the smaller to the larger number: \[0.5, 1.4\]"),
        ("train.threads=1099511627776", "less than or equal to 1024"),
        ("train.workers=100000", "less than or equal to 256"),
        ("model.width=1e12", "less than or equal to 16"),
        ("model.embedding_dim=1000000000", "less than or equal to 65536"),
        ("train.norm_images=3", r"norm_images: groups of 3 images do not divide a batch of 4 \(train.batch"),
    ],
)
def test_numbers_beyond_any_machine(override: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0, overrides=[override])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("train.accumulate=2", "train.norm_images=2"), "leave train.accumulate, 2, at 1"),
        (("train.scale=[0.55, 1.4]", "train.scaling=tenths"), "a range of tenths is expected in train.scale"),
    ],
)
def test_keys_of_the_recipe_that_do_not_go_together(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve_run(CATALOGUE, benchmark="tiny", ablation="cascade", seed=0, overrides=overrides)
