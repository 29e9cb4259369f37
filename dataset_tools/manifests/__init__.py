"""Rows of a manifest: what a photograph shows, whose it is, and what may be done with it."""
