"""docs/COMMANDS.md and docs/CONFIGURATION.md, made from the code: ``python -m docs.reference``."""
