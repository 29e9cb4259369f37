"""A base model as a ready diffusers pipeline, and one batch through it."""
