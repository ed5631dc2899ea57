"""The gallery's file: read whole, or not at all with a remark; and what its maps become."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difnet.config import read_plan
from difnet.report import map_pictures
from difnet.report.gallery_file import GalleryFile, read_gallery
from difnet.report.sections import examples, explorer
from difnet.tables import seal
from tests.damaged import damaged
from tests.report.conftest import Rendered


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


@pytest.fixture
def stored(rendered: Rendered) -> dict[str, np.ndarray]:
    with np.load(rendered.folder / "gallery.npz") as file:
        return {name: file[name] for name in file.files}


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(path, **arrays)
    seal(path, path.read_bytes())


def gallery_in(rendered: Rendered, folder: Path) -> GalleryFile:
    problems: list[str] = []
    gallery = read_gallery(folder / "gallery.npz", read_plan(rendered.folder), problems)
    assert gallery is not None, problems
    return gallery


def renamed(index: np.ndarray, name: str) -> np.ndarray:
    """An index in which one variant has the name of none that is planned."""
    content = json.loads(str(index))
    for item in content["variants"]:
        item["name"] = "left_over" if item["name"] == name else item["name"]
    return np.array(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (lambda arrays: arrays.pop("index"), "cannot be read"),
        (lambda arrays: arrays.update(index=np.array('{"images": []}')), "cannot be read"),
        (lambda arrays: arrays.pop("truth/1"), "is damaged: image 1 and its truth do not fit"),
        (
            lambda arrays: arrays.update(index=renamed(arrays["index"], "cascade")),
            "does not begin with a planned run of the reference cascade",
        ),
        (
            lambda arrays: arrays.update({"prediction/2/0": np.zeros((3, 3), np.uint8)}),
            "is damaged: prediction 2 of image 0 has another size",
        ),
    ],
)
def test_damaged_files_are_named(
    rendered: Rendered, tmp_path: Path, stored: dict[str, np.ndarray], change, remark: str
) -> None:
    change(stored)
    write(tmp_path / "gallery.npz", stored)
    problems: list[str] = []
    assert read_gallery(tmp_path / "gallery.npz", read_plan(rendered.folder), problems) is None
    assert len(problems) == 1 and remark in problems[0]


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_archive_is_named(rendered: Rendered, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gallery.npz").write_bytes(content)
    seal(tmp_path / "gallery.npz", content)
    problems: list[str] = []
    assert read_gallery(tmp_path / "gallery.npz", read_plan(rendered.folder), problems) is None
    assert len(problems) == 1 and "cannot be read" in problems[0]


def test_no_damage_shows_another_picture(rendered: Rendered, tmp_path: Path) -> None:
    shutil.copy(rendered.folder / ".gallery.npz.sha256", tmp_path)
    plan = read_plan(rendered.folder)
    for content in damaged((rendered.folder / "gallery.npz").read_bytes()):
        (tmp_path / "gallery.npz").write_bytes(content)
        problems: list[str] = []
        assert read_gallery(tmp_path / "gallery.npz", plan, problems) is None
        assert "gallery.npz is not what was written" in problems[0]


def test_strips_state_the_errors_that_they_show(rendered: Rendered, stored: dict[str, np.ndarray]) -> None:
    results = rendered.results
    example = examples.build(results).content["examples"][0]
    assert example.why == "fixed and the best, mIoU difference +0.120"
    strip = next(item for item in example.strips if item.title == results.title_of("cascade"))
    truth, prediction = stored["truth/0"], stored["prediction/0/0"]
    wrong = ((prediction != truth) & (truth != 255)).sum() / (truth != 255).sum()
    assert strip.note == f"seed 0, {wrong:.1%} wrong"
    assert [item.label for item in strip.maps] == [
        *("prediction", "errors", "scores", "importance"),
        *("after image", "after layer1", "after layer2", "after layer3", "after layer4"),
    ]
    palette = results.palette
    assert np.array_equal(decoded(strip.maps[0].uri), palette[prediction])
    assert np.array_equal(decoded(strip.maps[4].uri), palette[stored["states/0/0"][0]])


def test_other_seeds_of_a_variant_stand_behind_its_typical_one(
    rendered: Rendered, stored: dict[str, np.ndarray]
) -> None:
    content = examples.build(rendered.results).content
    strips = {strip.title: strip for strip in content["examples"][1].strips}
    assert (content["seeds"], content["switched"]) == ([0, 1, 2], 5)
    assert {len(strip.others) for strip in strips.values()} == {0, 2}
    shown = strips["Dense inverse"]
    assert [other.seed for other in shown.others] == [1, 2] and shown.seed == 0
    other = shown.others[1]  # the ninth entry behind the six typical ones is its seed 2
    assert np.array_equal(decoded(other.maps[0].uri), rendered.results.palette[stored["prediction/9/1"]])
    assert other.note.startswith("seed 2, ") and len(other.maps) == len(shown.maps)


def test_scores_fade_to_white() -> None:
    palette = np.array([[200, 0, 0], [0, 100, 0]], dtype=np.uint8)
    labels, confidence = np.array([[0, 1]], np.uint8), np.array([[255, 0]], np.uint8)
    assert decoded(map_pictures.score_map(labels, confidence, palette, 64)).tolist() == [
        [[200, 0, 0], [255, 255, 255]]
    ]


def test_board_holds_the_numbers_of_the_file(rendered: Rendered, stored: dict[str, np.ndarray]) -> None:
    results = rendered.results
    boards = explorer.build(results).content["boards"]
    assert len(boards) == 2
    data = json.loads(boards[1].data)
    rows = zlib.decompress(base64.b64decode(data["rows"]), -zlib.MAX_WBITS)
    assert np.array_equal(np.frombuffer(rows, np.uint8).reshape(6, 64, 64), stored["rows/1"])
    assert np.array(data["mass"]) == pytest.approx(stored["mass/1"], abs=1e-4)
    assert data["same"][0][0] is None and data["classes"][0] == ""
    assert data["start"] == 4 * 8 + 4
    mass, peak = stored["mass/1"][0, 36], stored["peak/1"][0, 36]
    assert boards[1].panels[0].words.startswith(f"seed mass {mass:.2f}, ")
    assert boards[1].panels[0].words.endswith(f"likeliest node {peak:.1%}")


def test_a_board_that_does_not_fit_together_is_left_out(
    rendered: Rendered, tmp_path: Path, stored: dict[str, np.ndarray]
) -> None:
    stored["peak/0"] = stored["peak/0"][:, 1:]
    write(tmp_path / "gallery.npz", stored)
    results = dataclasses.replace(rendered.results, gallery=gallery_in(rendered, tmp_path))
    assert len(explorer.build(results).content["boards"]) == 1


def test_variants_that_are_not_planned_are_left_out(
    rendered: Rendered, tmp_path: Path, stored: dict[str, np.ndarray]
) -> None:
    stored["index"] = renamed(stored["index"], "seed_only")
    write(tmp_path / "gallery.npz", stored)
    results = dataclasses.replace(rendered.results, gallery=gallery_in(rendered, tmp_path))
    content = examples.build(results).content
    titles = [strip.title for strip in content["examples"][0].strips]
    assert len(titles) == 5 and "left_over" not in titles and "Seed branch only" not in titles
    assert content["absent"] == ["Seed branch only"]
    # The maps of the variants behind it are still their own.
    last = content["examples"][0].strips[-1]
    assert np.array_equal(decoded(last.maps[0].uri), results.palette[stored["prediction/5/0"]])
