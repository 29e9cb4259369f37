"""Image QC against known degradations of photographs that come inside packages: `python -m benchmarks.qc`."""
