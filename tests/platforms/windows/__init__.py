"""As much of Windows as Linux can play: for our own modules, in a child process and in all that it starts."""
