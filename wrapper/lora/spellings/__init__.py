"""Every way in which programs name a LoRA's tensors: recognised, read under Kohya's names, written."""
