"""A user without secrets."""


class SecretNotFoundError(Exception):
    pass


class NotebookAccessError(Exception):
    pass


def get(key: str) -> str:
    raise SecretNotFoundError(key)
