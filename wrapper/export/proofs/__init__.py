"""What is shown of a written file before it counts as done."""
