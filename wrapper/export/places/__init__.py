"""Where files go: each program's folders, names that work in them, what lies there, and moving in whole."""
