"""What the cells of notebooks/ call: light to import; the work is done by `lorawrap` beside the kernel."""
