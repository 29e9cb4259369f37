"""A training run as a command, a process group, and a record."""
