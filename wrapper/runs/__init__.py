"""A run as it lies on the disk: its record, events, saved states, inputs; listed and compared."""
