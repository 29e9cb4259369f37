"""All cases."""

from __future__ import annotations

from tests.kohya.cases import datasets, folders, found, names, people, training

TABLE = [*training.CASES, *names.CASES, *datasets.CASES, *folders.CASES, *people.CASES, *found.CASES]
