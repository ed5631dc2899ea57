"""DifNet-Bench: reproducibility and ablation benchmark suite for DifNet (Jiang et al., NeurIPS 2018)."""

__version__ = "0.2.0"
