"""Files that people train with, and what becomes of each: one table for our check and for sd-scripts."""
