"""Recognising and loading a base model."""
