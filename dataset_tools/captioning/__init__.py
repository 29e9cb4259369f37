"""Rows → captions."""
