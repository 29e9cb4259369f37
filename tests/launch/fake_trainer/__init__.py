"""A trainer that is a real process: it talks, forks, hangs, dies and writes files as it is told."""
