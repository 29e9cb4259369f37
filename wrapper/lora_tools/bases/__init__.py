"""LoRAs merged into a base model."""
