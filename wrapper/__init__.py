"""lorawrap: from photographs to a LoRA that works, around kohya-ss sd-scripts."""

__version__ = "0.1.0"
