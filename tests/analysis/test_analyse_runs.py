"""The whole stage: run folders in, tables out; merging; refusals."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from difnet.analysis import Study, analyse_runs, read_runs
from difnet.analysis.analyse_runs import compare
from difnet.analysis.estimates import holm_adjusted
from difnet.config.errors import InputError
from difnet.metrics import METRICS
from difnet.tables import (
    CLAIM_TESTS,
    CLAIMS,
    COMPARISONS,
    CONVERGENCE,
    COURSES,
    ORIGINS,
    SCORES,
    SUMMARY,
    seal,
)
from tests.analysis.builders import CLAIM_FILE, run_folder, study

MEANS = len(METRICS)


def change(path, old, new):
    path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def results(tmp_path):
    """Three variants with three seeds; pixel_prior is the same in each."""
    root = tmp_path / "machine_a"
    folders = [
        run_folder(root, variant, seed, error)
        for variant, error in {"cascade": 0.05, "deeplab": 0.2}.items()
        for seed in range(3)
    ]
    prior = run_folder(root, "pixel_prior", 0, 0.5)
    folders.append(prior)
    for seed in (1, 2):
        copy = shutil.copytree(prior, root / "runs" / "pixel_prior" / f"seed{seed}")
        SCORES.write(SCORES.read(copy / "scores.csv").assign(seed=seed), copy / "scores.csv")
        change(copy / "config.yaml", "\nseed: 0", f"\nseed: {seed}")
        folders.append(copy)
    return folders


def run(folders, out, reference="cascade"):
    analyse_runs(folders, reference=reference, claims=CLAIM_FILE, timing=None, growth=None, out=out)
    tables = (SCORES, SUMMARY, COMPARISONS, CLAIMS, CLAIM_TESTS, ORIGINS, COURSES, CONVERGENCE)
    return {table.name.removesuffix(".csv"): table.read(out / table.name) for table in tables}


def test_tables(results, tmp_path):
    tables = run(results, tmp_path / "out")
    assert len(tables["scores"]) == 9 * (MEANS + 3 * 4)
    assert len(tables["summary"]) == 3 * MEANS and len(tables["comparisons"]) == 2 * MEANS
    assert list(tables["claims"]["claim"]) == [f"C{number}" for number in range(1, 9)]
    assert tables["claims"]["verdict"][0] == "reproduced"
    hidden = {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")}
    assert hidden == {f".{name}.csv.sha256" for name in tables}, "digests, and nothing half-written"


@pytest.mark.parametrize("name", ["summary.csv", "claims.csv"])
def test_tables_of_others_are_not_overwritten(results, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(
        InputError, match=rf"{name}: is there already and not written by difnet; move it away"
    ):
        run(results, tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]


def test_means_and_their_units(results, tmp_path):
    tables = run(results, tmp_path / "out")
    scores = tables["scores"].query("metric == 'miou' and variant == 'deeplab'")["value"]
    summary = tables["summary"].query("metric == 'miou'").set_index("variant")
    row = summary.loc["deeplab"]
    assert row["mean"] == pytest.approx(scores.mean(), abs=1e-12)
    assert 0 < row["ci_low"] < row["mean"] < row["ci_high"] < 1
    assert row["unit"] == "3 seeds x 8 images"
    # Not narrower than the t interval over seeds alone, but for the bend: it speaks of other images too.
    low, high = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert row["ci_high"] - row["ci_low"] > 0.999 * (high - low)
    assert summary.loc["pixel_prior", "ci_high"] > summary.loc["pixel_prior", "mean"]


def test_differences(results):
    study = Study(read_runs(results))
    table = COMPARISONS.frame(compare(study, "cascade"))
    family = table[table["metric"] == "miou"].set_index("variant")
    values = [study.values(variant, "miou", [0, 1, 2]) for variant in ("deeplab", "cascade")]
    assert family.loc["deeplab", "difference"] == pytest.approx((values[0] - values[1]).mean(), abs=1e-12)
    assert (family["n"] == 3).all() and (family["unit"] == "3 seeds x 8 images").all()
    np.testing.assert_allclose(family["p_adjusted"], holm_adjusted(family["p_value"]))
    assert (family["ci_high"] < 0).all() and (family["p_adjusted"] < 0.05).all()
    assert sorted(family["confidence"]) == pytest.approx([0.95, 0.975]), "Holm's levels for two, both found"


def test_swept_variants_are_compared_at_their_own_values_too():
    errors = {
        "deeplab": 0.30,
        "cascade": 0.25,
        "deeplab@skip=1": 0.20,
        "cascade@skip=1": 0.10,
        "other@skip=2": 0.3,
    }
    swept = study(errors)
    rows = [row for row in compare(swept, "deeplab") if row.metric == "miou"]
    pairs = [(row.variant, row.reference) for row in rows]
    others = sorted(set(errors) - {"deeplab"})
    assert pairs == [*((name, "deeplab") for name in others), ("cascade@skip=1", "deeplab@skip=1")]
    seeds = swept.seeds("cascade")
    gain = swept.values("cascade@skip=1", "miou", seeds) - swept.values("deeplab@skip=1", "miou", seeds)
    assert rows[-1].difference == pytest.approx(gain.mean(), abs=1e-12) and gain.mean() > 0.05
    np.testing.assert_allclose([row.p_adjusted for row in rows], holm_adjusted([row.p_value for row in rows]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0.05, 0.06, 0.08, 0.3]), min_size=2, max_size=4))
def test_corrected_intervals_and_p_values_agree(errors):
    rows = compare(
        study({"cascade": 0.06} | {f"v{place}": error for place, error in enumerate(errors)}), "cascade"
    )
    for row in rows:
        if abs(row.p_adjusted - 0.05) > 1e-6:
            assert (row.p_adjusted < 0.05) == (row.ci_low > 0 or row.ci_high < 0)


def compared(folders):
    return COMPARISONS.frame(compare(Study(read_runs(folders)), "cascade"))


def test_missing_seeds_are_left_out_and_counted(results):
    kept = [folder for folder in results if folder.parts[-2:] != ("deeplab", "seed2")]
    table = compared(kept)
    row = table[(table["metric"] == "miou") & (table["variant"] == "deeplab")].iloc[0]
    assert row["n"] == 2 and row["unit"] == "2 seeds x 8 images"
    one = [folder for folder in results if folder.name == "seed0"]
    table = compared(one)
    assert set(table["unit"]) == {"one seed x 8 images"} and set(table["n"]) == {1}
    assert table["p_value"].isna().all() and table["ci_low"].notna().any()
    apart = [folder for folder in results if (folder.parent.name == "deeplab") == (folder.name == "seed0")]
    row = compared(apart).query("metric == 'miou' and variant == 'deeplab'").iloc[0]
    assert row["n"] == 0 and np.isnan(row["difference"]) and row["unit"] == "no common seed"


def test_a_run_says_in_one_line_what_it_is(results):
    assert repr(read_runs(results[:1])[0]) == "Run(cascade/seed0 of b, 8 images)"


def test_identical_copies_merge_and_keep_their_origins(results, tmp_path):
    copies = shutil.copytree(tmp_path / "machine_a", tmp_path / "machine_b")
    alone = run(results, tmp_path / "alone")
    both = run([*results, copies / "runs" / "deeplab" / "seed1"], tmp_path / "both")
    for name in ("scores", "summary", "comparisons", "claims", "claim_tests"):
        assert both[name].equals(alone[name])
    origin = both["runs"].query("variant == 'deeplab' and seed == 1")["origin"].item()
    assert origin == f"{results[4]};{copies / 'runs' / 'deeplab' / 'seed1'}"


def test_two_machines_with_different_seeds_merge(results, tmp_path):
    extra = run_folder(tmp_path / "machine_b", "cascade", 3, 0.05)
    assert len(run([*results, extra], tmp_path / "out")["runs"]) == 10


def test_disagreeing_copies_are_refused(results, tmp_path):
    again = run_folder(tmp_path / "b", "deeplab", 1, 0.21)
    with pytest.raises(
        InputError, match=r"deeplab/seed1 has one configuration but different scores in .* and "
    ):
        read_runs([*results, again])
    change(again / "config.yaml", "steps: 1500", "steps: 15")
    with pytest.raises(InputError, match=r"deeplab/seed1 has different configurations"):
        read_runs([*results, again])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "camvid"}, r"differ in data.name \(shapes and camvid\), which no ablation names"),
        ({"images": 9}, "differ in their images"),
        ({"truth_seed": 1}, "differ in the version of the labels"),
    ],
)
def test_mixed_data_is_refused(results, tmp_path, options, message):
    other = run_folder(tmp_path / "b", "seed_only", 0, **options)
    with pytest.raises(InputError, match=message):
        read_runs([*results, other])


def test_unusable_files(results, tmp_path):
    folder, out = results[0], tmp_path / "out"
    with pytest.raises(InputError, match="no run to analyse"):
        read_runs([])
    with pytest.raises(InputError, match=r"reference 'cascad' has no run; did you mean 'cascade'"):
        run(results, out, reference="cascad")
    content = (folder / "per_image.parquet").read_bytes()
    (folder / "per_image.parquet").write_bytes(content[:-20])
    with pytest.raises(InputError, match=r"per_image.parquet is not what was written: it was cut short"):
        run(results, out)
    (folder / "per_image.parquet").write_bytes(content)
    text = (folder / "scores.csv").read_text()
    for old, new, message in (
        ("val,miou,,0.", "val,miou,,", "miou is .* in scores.csv but .* by per_image.parquet"),
        ("val,iou,sky,0.", "val,iou,sky,", "iou of sky is .* in scores.csv but .* by per_image.parquet"),
        ("val,dice,,0.", "val,dicey,,0.", "dice is missing in scores.csv but 0"),
        (
            "cascade,0,val,dice",
            "cascade,0,val,dicey,,0\ncascade,0,val,dice",
            "dicey is 0.0 in .* but missing",
        ),
        ("cascade,0,", "cascade,1,", "is not of cascade, seed 0"),
        ("cascade,0,val", "cascade,0,test", "mixes splits"),
    ):
        (folder / "scores.csv").write_text(text.replace(old, new, 1))
        seal(folder / "scores.csv", (folder / "scores.csv").read_bytes())
        with pytest.raises(InputError, match=message) as error:
            run(results, out)
        assert "\n" not in str(error.value)
    (folder / "scores.csv").unlink()
    with pytest.raises(InputError, match="does not exist"):
        run(results, out)
    assert not out.exists()
