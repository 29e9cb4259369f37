"""What came out of a sweep: which trials may be compared, the best, and how sure that is."""
