"""Settings of other programs → a project: Kohya's own TOML, and the presets of kohya_ss (bmaltais' GUI)."""
