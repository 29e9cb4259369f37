"""The guides, and what makes their references (`docs.reference`)."""
