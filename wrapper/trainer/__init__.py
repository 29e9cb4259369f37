"""The embedded trainer: Kohya TOML in, Kohya LoRA out, on diffusers, PEFT and accelerate."""
