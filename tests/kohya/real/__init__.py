"""sd-scripts itself, asked what it makes of the cases."""
