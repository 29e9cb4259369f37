"""The surroundings fail: a full disk, one that can only be read, one that is gone."""
