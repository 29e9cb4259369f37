"""Decoding, cutting, and the part to repaint."""
