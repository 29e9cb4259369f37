"""The shrunk real scripts of tests/sd_scripts, for the table of cases."""

from __future__ import annotations

from tests.sd_scripts.conftest import newest_scripts, single_base

__all__ = ["newest_scripts", "single_base"]
