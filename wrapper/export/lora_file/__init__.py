"""The delivered LoRA file itself: its form, its metadata, and how it is written."""
