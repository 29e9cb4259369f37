"""What can be done with LoRA files: looked at, merged, resized, extracted, converted, edited."""
