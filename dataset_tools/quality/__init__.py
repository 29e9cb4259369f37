"""QC: array → number → decision → report."""
