"""The chain of `lorawrap run`."""
