"""What a run does while it runs: its output, its silence, and whom to ask."""
