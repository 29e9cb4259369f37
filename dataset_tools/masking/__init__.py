"""Masks for a whole set: made from what people have, checked, and laid over the pictures to look at."""
