"""Many runs of one project: trials that differ in their settings, queued, measured alike, and ranked."""
