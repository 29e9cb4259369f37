"""Python imports this at its start where the folder is on its path: the pretence begins before all else."""

from tests.platforms.windows.pretence import pretend

pretend()
