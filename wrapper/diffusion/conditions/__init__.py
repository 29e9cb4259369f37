"""What steers a picture besides its prompt: ControlNet and IP-Adapter."""
