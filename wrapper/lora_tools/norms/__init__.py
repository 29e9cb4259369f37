"""How strongly a LoRA acts where, in numbers and as a picture."""
