"""What is delivered beside the LoRA: workflows, pictures, an example program."""
