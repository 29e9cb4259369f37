"""Scores on the held-out split."""
