"""Why a run ended, and whether it made a good LoRA."""
