"""Pure measures: an array in, a number with a unit out. What is too much is decided elsewhere."""
