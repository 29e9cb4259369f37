"""Delivery to A1111 and ComfyUI, proved by reading it back."""
