"""The same seeds with and without a LoRA, and grids over any two settings, on one page."""
