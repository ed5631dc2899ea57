"""Small data sets on disk, made by the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from difnet.config import InputError
from difnet.data.files.tree import locate
from tests.data import trees


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own folder: eight images for training and two for validation."""
    trees.folder(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def camvid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A miniature tree in the layout of CamVid, found through DIFNET_DATA."""
    trees.camvid(tmp_path / "data")
    monkeypatch.setenv("DIFNET_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "CamVid"


@pytest.fixture(scope="session")
def real_camvid() -> Path:
    """The real CamVid; tests that need it are skipped where it is absent."""
    try:
        return locate("CamVid")
    except InputError as error:
        where = os.environ.get("DIFNET_DATA", "not set")
        pytest.skip(f"CamVid is absent (DIFNET_DATA is {where}): {error}")
