"""A child process in a group of its own, and nobody left behind."""
