"""From rows to Kohya folders: the plan, and the one place that writes it."""
