"""Results in a bucket of a real S3 server, by nodes that share nothing else, as pods of Kubernetes do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import CONFIG, RUNS, ClusterProject, bits, files, finish

for needed in ("moto.server", "snakemake_executor_plugin_cluster_generic", "snakemake_storage_plugin_s3"):
    pytest.importorskip(needed)

KEYS = {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "toy", "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "toy"}
SUBMIT = """#!/bin/sh
node=$(mktemp -d {nodes}/XXXX)
cp "$1" $node/job
(cd $node && PYTHONPATH=$node setsid sh -c 'sh job > said 2>&1; echo $? > ended' > /dev/null 2>&1 &)
echo $node
"""
"""Runs a job in an empty folder, and names the folder."""
STATUS = """#!/bin/sh
[ -f $1/ended ] || exec echo running
[ $(cat $1/ended) = 0 ] && echo success || echo failed
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server; Snakemake makes the bucket itself."""
    from moto.server import ThreadedMotoServer

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.slow
def test_results_are_those_of_this_machine(
    bucket: str, copy: Callable[[str], ClusterProject], local_bits: dict[str, bytes], tmp_path: Path
) -> None:
    """To the bit, and the page of the report shows every run as finished."""
    project, runs, nodes = copy("project"), RUNS[::2], tmp_path / "nodes"
    nodes.mkdir()
    for name, text in {"submit": SUBMIT.format(nodes=nodes), "status": STATUS}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    for command in (["init", "--quiet"], ["add", "--all"]):  # a job unpacks the files that Git knows
        subprocess.run(["git", *command], cwd=project.root, check=True)
    generic = [
        "--executor",
        "cluster-generic",
        "--job-deploy-sources",
        "--seconds-between-status-checks",
        "1",
    ]
    for name in ("submit", "status"):
        generic += [f"--cluster-generic-{name}-cmd", str(tmp_path / name)]
    storage = ["--storage-s3-endpoint-url", bucket, "--default-storage-prefix", "s3://study"]
    config = [*CONFIG, "seeds=[0]", "timing=false"]
    workflow = project.start(
        *generic, *storage, "--resources", "gpu=0", "--config", *config, profile="kubernetes"
    )
    finish(workflow, project)

    import boto3

    client = boto3.client("s3", endpoint_url=bucket, aws_access_key_id="toy", aws_secret_access_key="toy")
    fetched = tmp_path / "fetched"
    for file in files(runs):
        (fetched / file).parent.mkdir(parents=True, exist_ok=True)
        client.download_file("study", file, str(fetched / file))
    assert bits(fetched, runs).items() <= local_bits.items()
    assert "2 of 2 runs finished" in project.said
    assert len(list(nodes.iterdir())) == 3, (
        "one for each run, which is evaluated where it was trained; the gallery"
    )
