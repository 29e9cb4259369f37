"""What Google Colab's own package does, as far as the notebooks use it, told by environment variables."""
