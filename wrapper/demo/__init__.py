"""The demo: drawn portraits, and a tiny base model that has learned them."""
