"""Pictures as files: what they say about themselves, and sheets of many."""
