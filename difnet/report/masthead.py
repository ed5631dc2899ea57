"""What a reader must know before the first number: data, date, machine and code of a benchmark's runs."""

from __future__ import annotations

from difnet.report.load import Results
from difnet.report.numbers import count, listing


def masthead(results: Results) -> dict[str, str]:
    """Facts by name, without those that no run recorded."""
    environments = [run.environment for variant in results.variants for run in variant.runs]

    def recorded(key: str) -> list[str]:
        return sorted({str(item[key]) for item in environments if item.get(key)})

    devices = [name for name in recorded("device") if name != "cpu"]
    machines = devices or [
        f"{cpu}, {count(int(cores), 'core')}"
        for cpu in recorded("cpu")
        for cores in recorded("cores") or ["0"]
    ]
    split = results.data.splits.get(results.split)
    images = f", {count(len(split.names), 'image')}" if split else ""
    facts = {
        "Data": f"{results.data.title}, {results.split}{images}",
        "Seeds": f"{len(results.plan.seeds)}",
        "Date": listing(recorded("date")[-1:]) if recorded("date") else "",
        "Machine": listing(machines, 2) if machines else "",
        "Commit": listing([commit[:12] for commit in recorded("commit")], 2) if recorded("commit") else "",
    }
    return {name: text for name, text in facts.items() if text}
