"""What `difnet new-ablation` writes."""

from __future__ import annotations

YAML = """\
# yaml-language-server: $schema=../workflow/schemas/ablation.schema.json
# Only what differs from '{extends}'; all keys: docs/adding-an-ablation.md
title: "{name}"
question: ""  # what does a reader learn from it?
# expectation: What does the idea of the paper predict?
extends: {extends}
tags: []  # benchmarks select by name, tag or glob; the default ones take the tag headline
model: {model}  # for example {{restart: 0.5, importance: false}}
"""

SECTION = """\
# yaml-language-server: $schema=../workflow/schemas/ablation.schema.json
# What ablations/{name}.smk makes of the results of others; all keys: docs/adding-an-ablation.md
title: "{name}"
question: ""  # what does a reader learn from it?
tags: []  # benchmarks select by name, tag or glob; the default ones take the tag headline
runs: false  # nothing is trained for it
"""

DIFFUSION = '''\
"""Diffusion rule of {name}: the mean of one random walk along each level."""

import torch
from torch import Tensor, nn

from difnet.config import ModelConfig
from difnet.diffusion import random_walk


class MeanWalk(nn.Module):
    linear = True  # in the seeds, each class alone: the report shows what a node takes from every other

    def __init__(self, config: ModelConfig) -> None:  # the section `model` of the run
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1))  # restart weight before the sigmoid, learned

    def forward(self, levels: list[Tensor], seeds: Tensor) -> Tensor:
        """One (B, D, N) a level and seeds (B, C, N) -> diffused seeds (B, C, N)."""
        walked = torch.stack([random_walk(level, seeds) for level in levels]).mean(dim=0)
        restart = torch.sigmoid(self.alpha)
        return (1 - restart) * walked + restart * seeds
'''

RULES = '''\
rule RULE_section:
    """Mean IoU of every variant: a section of the report with a caption and a table."""
    input:
        "results/{benchmark}/summary.csv",
    output:
        section("NAME", "caption.md", "miou.csv"),
    shell:
        """
        echo "# Mean IoU of every variant" > {output[0]}
        grep -E "^variant|,miou," {input} > {output[1]}
        """
'''
