"""The environment variables that a user may set."""

from __future__ import annotations

VARIABLES = {
    "LORAWRAP_DATA_DIR": "Where `vendor install` puts sd-scripts; else your own folder for programs' data.",
    "LORAWRAP_CACHE_DIR": "What is remembered between commands: hashes, latents, measurements; "
    "else `lorawrap` in your own cache folder.",
    "LORAWRAP_SD_SCRIPTS": "A checkout of sd-scripts to use in place of an installed one.",
    "LORAWRAP_SD_SCRIPTS_PYTHON": "The Python of that checkout's environment.",
    "LORAWRAP_TOKENIZER_DIR": "A folder with CLIP's tokenizer, for bases in one file.",
    "OMP_NUM_THREADS": "Processor threads of torch and of the trainer; else as many as this process may use.",
    "HF_HUB_OFFLINE": "`1` keeps the libraries from asking the Hugging Face hub.",
    "CUDA_VISIBLE_DEVICES": "Which GPUs there are at all; `--gpus` counts among these.",
}
INTERNAL = ("LORAWRAP_LAUNCH", "LORAWRAP_THREADS", "LORAWRAP_TRIAL_RUNS_ON")
"""What our processes tell each other."""
