"""What a batch system is asked for, from the estimated cost of the runs; for this machine nothing is estimated."""

from functools import cache


localrules:
    all,
    data,
    timing,
    analysis,
    report,


# Every job of the batch system has its own GPUs, and in it those with `in_turn` run one after another.
resource_scopes:
    gpu="local",
    in_turn="local",


if workflow.remote_exec:
    workflow.register_resource("in_turn", 1)


@cache
def requests(folder):
    """What the trainings of a benchmark ask for, by variant."""
    from difnet.timing.requests import training_requests

    return training_requests(
        BENCHMARKS[folder],
        results=PROJECT.results,
        gpus=GPUS,
        processes=PLAN.selection.processes,
    )


def asked(amount):
    """A resource: what the variant of a job asks for, or the most that any asks for in a job of all of them."""

    def resource(wildcards, attempt):
        if workflow.local_exec or not workflow.is_main_process:
            return 0
        found = requests(wildcards.benchmark)
        one = wildcards.get("variant")
        several = [found[one]] if one else found.values()
        return doubled(max(getattr(each, amount) for each in several))(
            wildcards, attempt
        )

    return resource


def doubled(amount):
    """A resource: so much, and twice as much at every further attempt."""
    return lambda wildcards, attempt: amount * 2 ** (attempt - 1)
