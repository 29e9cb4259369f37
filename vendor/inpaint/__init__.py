"""What ``train_network_inpaint.py`` adds to sd-scripts' trainer. Runs in sd-scripts' environment."""
