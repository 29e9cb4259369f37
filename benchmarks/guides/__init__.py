"""The photographs that the guides in ``docs/`` work on, and the pictures in them."""
