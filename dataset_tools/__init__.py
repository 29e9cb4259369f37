"""From photographs to Kohya folders. Knows nothing of training."""
