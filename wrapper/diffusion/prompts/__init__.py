"""Prompts as A1111 users write them: LoRA tags, attention weights, long prompts, prompt files."""
