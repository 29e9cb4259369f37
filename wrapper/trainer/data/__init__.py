"""From a dataset's TOML to batches of tensors."""
