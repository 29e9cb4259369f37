"""What a file is, how it was trained, who takes it."""
