"""Masked inpainting at the photograph's own resolution."""
