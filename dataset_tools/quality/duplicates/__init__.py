"""Equal and nearly equal pictures in a set: fingerprint → candidates → aligned and compared → groups."""

from __future__ import annotations

from dataset_tools.quality.duplicates.groups import Match, find_duplicates
from dataset_tools.quality.duplicates.thumbnails import Fingerprint, fingerprint

__all__ = ["Fingerprint", "Match", "find_duplicates", "fingerprint"]
