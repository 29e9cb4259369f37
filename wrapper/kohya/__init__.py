"""Kohya TOML: options, rendering, checking, step counts."""
