"""An installed sd-scripts: getting it, proving it, its environment, its options."""
