"""LoRAs out of LoRAs and of models."""
