"""LoRA files in Kohya form: names, metadata, hashes, and putting them into a pipeline."""
