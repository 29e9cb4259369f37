"""``sweep.html``: a whole sweep on one page that needs no network."""
