"""The project file and the places of a project."""
