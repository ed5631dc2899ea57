"""How to cite: BibTeX of the paper, of this suite, and of the data set."""

from __future__ import annotations

import difnet
from difnet.report.load import Results
from difnet.report.section import Section

PAPER = """\
@inproceedings{jiang2018difnet,
  title     = {{DifNet}: Semantic Segmentation by Diffusion Networks},
  author    = {Jiang, Peng and Gu, Fanglin and Wang, Yunhai and Tu, Changhe and Chen, Baoquan},
  booktitle = {Advances in Neural Information Processing Systems},
  pages     = {1630--1639},
  year      = {2018}
}
"""


def build(results: Results) -> Section:
    """One block of entries, which are a file of the exports too."""
    return Section(key="cite", title="Cite", content={"bibtex": bibtex(results)})


def bibtex(results: Results) -> str:
    """The entries; that of the suite names the code that the runs were made with."""
    commits = sorted(
        {str(run.environment.get("commit") or "") for variant in results.variants for run in variant.runs}
        - {""}
    )
    note = f"version {difnet.__version__}" + (f", commit {', '.join(commits)}" if commits else "")
    suite = _misc(
        "difnetbench",
        title="{DifNet-Bench}: a Reproducibility and Ablation Benchmark Suite for {DifNet}",
        author="{DifNet-Bench maintainers}",
        year="2026",
        note=note,
    )
    data = _misc(results.plan.data.name, title=f"{{{results.data.title}}}", note=results.data.citation)
    return "\n".join([PAPER, suite, *([data] if results.data.citation else [])])


def _misc(key: str, **fields: str) -> str:
    escaped = {name: text.replace("&", r"\&").replace("%", r"\%") for name, text in fields.items()}
    lines = ",\n".join(f"  {name:9} = {{{text}}}" for name, text in escaped.items())
    return f"@misc{{{key},\n{lines}\n}}\n"
