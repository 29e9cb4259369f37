"""Delivery to A1111, Forge, ComfyUI, diffusers or a folder, proved by reading it back."""
