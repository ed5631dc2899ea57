"""Where results lie: in `results/`, or in a bucket (`--default-storage-provider s3`), of which every machine has copies.

Commands name files below `results/` either way: its folders then lead to the copies. A bucket holds the files that rules
name; what else a run folder needs, its configuration and the prepared images, every machine makes for itself.
"""

import platform

from snakemake_interface_executor_plugins.settings import SharedFSUsage

BUCKET = workflow.storage_settings.default_storage_prefix


def copies_of(name):
    """Where this machine has the files of a folder of results."""
    return Path(workflow.modifier.path_modifier.modify(f"results/{name}")).absolute()


def digest_of(path):
    """The file beside another one that holds its digest."""
    weights = path.name == "weights.safetensors"
    return str(
        path.with_name("environment.json" if weights else f".{path.name}.sha256")
    )


def sealed(*files):
    """Files and, where they go through a bucket, those with their digests, which commands compare."""
    return [*files, *(digest_of(Path(file)) for file in files if BUCKET)]


for name in {"logs", *BENCHMARKS, *(part.benchmark for part in BENCHMARKS.values())}:
    path, copies = PROJECT.results / name, copies_of(name)
    if BUCKET and path.exists() and path.resolve() != copies.resolve():
        stop(f"{path}: is not of {BUCKET}; move it away, or start without the bucket")
    if BUCKET and not path.exists() and not workflow.dryrun:
        copies.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(copies)
    if not BUCKET and path.is_symlink() and ".snakemake" in path.readlink().parts:
        stop(f"{path}: leads to copies of a bucket; start with it, or delete the link")

# What the main process has planned, its jobs read; where nodes share no files, each plans alike.
for folder, part in BENCHMARKS.items() if workflow.remote_exec else ():
    if SharedFSUsage.PERSISTENCE not in workflow.storage_settings.shared_fs_usage:
        part.write(PROJECT)
    elif not (PROJECT.results / folder / "plan.json").is_file():
        stop(
            f"{PROJECT.results / folder / 'plan.json'}: is not on {platform.node()}, where this job runs; put the"
            " project on a file system that all nodes share"
        )
