"""``report.html``: every picture of a QC run on one page that needs no network."""
