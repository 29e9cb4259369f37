"""What trainers say when something is wrong → one sentence, and what to change. Patterns are of fragments.

Read in sd-scripts v0.10.1 and v0.9.1, accelerate 1.6 and 1.15, torch 2.13, safetensors, huggingface_hub.
"""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """A pattern of the log; ``{what}`` in the message is the pattern's group of that name.

    ``cut_off`` says that the run's surroundings failed, not the run: it can go on as it was.
    """

    pattern: str
    message: str
    hint: str
    cut_off: bool = False


_LOWER = "Lower train_batch_size, set gradient_checkpointing = true, or take a smaller preset, such as 8gb."
_NAN = "Lower learning_rate, set no_half_vae = true, or use bf16 instead of fp16."
_MEMORY = (
    "End other programs, add swap, set max_data_loader_n_workers = 0, or lower train_batch_size; then go on "
    "with --resume."
)
_CRASH = "Go on with --resume; where it comes back, do without xformers and bitsandbytes, update the driver."
_CHECK = "Run `lorawrap check` on the two files: it names it."
_INSTALL = "Run `lorawrap vendor install` again, or install it in that environment."

KILLED = "The trainer was killed (signal 9)."
KILLED_FOR_MEMORY = Cause(
    "", "The computer ran out of memory, and the system ended the trainer.", _MEMORY, cut_off=True
)
KILLED_BY_OTHERS = Cause(
    "",
    "The trainer was killed (signal 9), and not by the system for want of memory.",
    "Somebody or some program did it, a batch system's time limit perhaps; go on with --resume.",
    cut_off=True,
)

FATAL: tuple[Cause, ...] = (
    # memory
    Cause(
        r"(?:CUDA|HIP) (?:error: )?out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
        "The GPU ran out of memory.",
        _LOWER,
    ),
    Cause(
        r"insufficient shared memory|DataLoader worker .* Bus error",
        "The image loaders ran out of shared memory.",
        "Set max_data_loader_n_workers = 0, or give the container more (--shm-size).",
    ),
    Cause(
        r"DefaultCPUAllocator: can't allocate|MemoryError|std::bad_alloc|Cannot allocate memory"
        r"|exit(?:code| status)\W*(?:3221225495|-1073741801)\b",
        "The computer ran out of memory.",
        _MEMORY,
        cut_off=True,
    ),
    Cause(
        r"Signals\.SIGKILL|exitcode\s*:\s*-9\b|killed by signal: Killed",
        KILLED,
        "It was want of memory, or somebody, or a program that watches memory. " + _MEMORY,
        cut_off=True,
    ),
    # the disk
    Cause(
        r"No space left on device|Disk quota exceeded",
        "The disk is full.",
        "Make room and go on with `lorawrap train all --resume`.",
        cut_off=True,
    ),
    Cause(
        r"Read-only file system|os error 30\b",
        "The disk can be read only.",
        "One that met an error is cut off from writing: look at its health, then go on with --resume.",
        cut_off=True,
    ),
    Cause(
        r"Input/output error|Stale file handle|Transport endpoint is not connected|os error (?:5|107|116)\b"
        r"|Signals\.SIGBUS|exitcode\s*:\s*-7\b|Fatal Python error: Bus error",
        "The drive does not answer, or what was read from it is gone.",
        "Look at its cable, its mount and its health; then go on with --resume.",
        cut_off=True,
    ),
    # NaN
    Cause(
        r"NaN detected in latents: (?P<what>.+)", "The VAE gives NaN for {what}.", "Set no_half_vae = true."
    ),
    Cause(r"NaN detected in text encoder", "The text encoder gives NaN.", "Use bf16 instead of fp16."),
    Cause(
        r"(?i)loss is nan|(?:avr_)?loss=nan|loss became nan|not finite",
        "The loss became NaN.",
        _NAN,
    ),
    # data
    Cause(
        r"No data found|画像がありません",
        "The trainer found no images.",
        "Run `lorawrap check` on the two files, and `lorawrap build` again.",
    ),
    Cause(
        r"illegal char in file \(not UTF-8\)[^:]*: (?P<what>.+)",
        "The caption {what} is not UTF-8.",
        "Save it as UTF-8.",
    ),
    Cause(r"illegal char in file|UnicodeDecodeError", "A caption file is not UTF-8.", "Save it as UTF-8."),
    Cause(
        r"caption file is empty[^:]*: (?P<what>.+)", "The caption file is empty: {what}", "Fill or remove it."
    ),
    Cause(
        r"image too small|image size is small",
        "An image is smaller than the resolution.",
        "Set enable_bucket = true or a lower resolution.",
    ),
    Cause(
        r"image too large, but cropping",
        "An image is larger than the resolution, and nothing says how to cut it.",
        "Set enable_bucket = true, or random_crop = true.",
    ),
    Cause(
        r"cannot identify image file (?P<what>'.+?')"
        r"|(?:Error loading file|failed to get image size): (?P<other>.+?)(?:, error:|$)",
        "An image file is broken: {what}",
        "Run `lorawrap qc`: it names every one.",
    ),
    Cause(
        r"image file is truncated|UnidentifiedImageError|broken data stream|DecompressionBomb",
        "An image file is broken.",
        "Run `lorawrap qc`: it names it.",
    ),
    Cause(
        r"min_bucket_reso must be",
        "The resolution is below min_bucket_reso.",
        "Set min_bucket_reso to the resolution or less.",
    ),
    Cause(
        r"max_bucket_reso must be",
        "The resolution is above max_bucket_reso.",
        "Set max_bucket_reso to the resolution or more.",
    ),
    Cause(
        r"bucket_reso_steps is (?P<what>\d+)\. it must be divisible by",
        "bucket_reso_steps = {what} does not fit the base.",
        "Take 64; SD 1.5 needs a multiple of 8, SDXL of 32.",
    ),
    Cause(
        r"(?:missing|extra) conditioning data",
        "Images and masks do not pair up.",
        "Run `lorawrap check`: it names them.",
    ),
    Cause(
        r"size of conditioning image is not match[^:]*: (?P<what>.+)",
        "The mask has another size than its image: {what}",
        "Run `lorawrap build` again: it cuts both alike.",
    ),
    # configuration
    Cause(
        r"(?P<what>extra keys not allowed @ .+|expected \w+ for dictionary value @ .+)",
        "sd-scripts does not take the dataset file: {what}",
        _CHECK,
    ),
    Cause(r"unrecognized arguments: (?P<what>.+)", "The trainer has no option {what}", _CHECK),
    Cause(r"error: (?P<what>argument .+)", "The trainer does not take a value: {what}", _CHECK),
    Cause(
        r"max_train_steps should be greater than initial step",
        "The state has all the steps already.",
        "Raise max_train_steps to train on.",
    ),
    Cause(
        r"(?:parameter group|optimizer) that doesn't match|loaded state dict (?:contains|has)",
        "The state is of another optimizer or network.",
        "Keep their options, or train anew.",
    ),
    # packages
    Cause(
        r"libbitsandbytes|bitsandbytes.*(?:compiled without GPU|CUDA [Ss]etup failed)",
        "bitsandbytes does not work with this GPU or CUDA.",
        "Set optimizer_type = 'AdamW', or install a bitsandbytes that fits CUDA.",
    ),
    Cause(
        r"memory_efficient_attention_forward|xFormers wasn't build|xformers.*not.*compiled",
        "xFormers has no code for this device.",
        "Leave out xformers, and set sdpa = true.",
    ),
    Cause(
        r"ImportError: No (?P<what>bitsandbytes|xformers|lion_pytorch|dadaptation|Prodigy|schedulefree)",
        "The trainer's Python lacks the package '{what}'.",
        "Install it there, or choose another optimizer_type (or sdpa = true for xformers).",
    ),
    Cause(
        r"No module named '(?P<what>[\w.]+)'",
        "The trainer's Python lacks the package '{what}'.",
        "Install it there.",
    ),
    Cause(
        r"operator torchvision::nms does not exist",
        "torch and torchvision do not fit each other.",
        _INSTALL,
    ),
    Cause(
        r"ImportError: cannot import name '(?P<what>\w+)'",
        "A package in the trainer's environment has another version than it needs ('{what}' is missing).",
        _INSTALL,
    ),
    Cause(
        r"use_libuv was requested but PyTorch was b?uilt without libuv",
        "This torch cannot start several processes by its default.",
        "Set the environment variable USE_LIBUV=0.",
    ),
    # the GPU
    Cause(
        r"Torch not compiled with CUDA enabled|No CUDA GPUs are available|Found no NVIDIA driver",
        "The trainer's torch sees no GPU.",
        "Use --device cpu, or install a torch with CUDA where the trainer runs.",
    ),
    Cause(
        r"no kernel image is available",
        "The trainer's torch is too old or too new for this GPU.",
        "Install a torch that knows it.",
    ),
    Cause(
        r"CUDA driver version is insufficient|driver on your system is too old",
        "The GPU's driver is older than torch's CUDA.",
        "Update the driver, or install a torch for an older CUDA.",
    ),
    Cause(r"invalid device ordinal", "A GPU that was asked for is not there.", "See --gpus."),
    Cause(
        r"illegal memory access|device-side assert",
        "The GPU met an illegal access.",
        "Start again; where it comes back, leave out xformers, or lower the clock of the GPU.",
    ),
    Cause(
        r"not implemented for 'Half'|bf16 mixed precision requires|doesn't support bf16",
        "This device cannot train in the mixed_precision that is set.",
        "Take 'no' on a CPU, 'fp16' on a GPU without bf16.",
    ),
    Cause(
        r"Attempting to unscale FP16 gradients",
        "The LoRA itself is in fp16, which mixed_precision = 'fp16' cannot train.",
        "Leave out full_fp16.",
    ),
    # models
    Cause(
        r"HeaderTooLarge|InvalidHeader|MetadataIncompleteBuffer|SafetensorError|invalid load key",
        "A model file is broken, or not whole.",
        "Compare its size with the source, and get it again.",
    ),
    Cause(
        r"Can't load tokenizer for|LocalEntryNotFoundError|[Cc]ouldn't connect to|OfflineModeIsEnabled"
        r"|MaxRetryError|model is not found as a file or in Hugging Face|not appear to have a file named",
        "A model or a tokenizer is not here, and could not be fetched.",
        "Check the path; offline, set tokenizer_cache_dir to a folder that has the tokenizer.",
    ),
    Cause(
        r"GatedRepoError|RepositoryNotFoundError|40[13] Client Error",
        "The hub does not give out the model.",
        "Check its name, accept its licence there, and log in.",
    ),
    Cause(
        r"size mismatch for (?P<what>\S+?):|unexpected key in SD: (?P<other>\S+)",
        "The model does not fit the script (at {what}).",
        "Is it an SDXL or an inpainting base? `lorawrap check` tells.",
    ),
    Cause(
        r"Error\(s\) in loading state_dict",
        "The model, or the starting weights, do not fit.",
        "Run `lorawrap check`: it looks into the files.",
    ),
    # several processes
    Cause(
        r"EADDRINUSE|[Aa]ddress already in use|another process is utilizing it",
        "The port is taken, by another run perhaps.",
        "Give another --main-port.",
    ),
    Cause(
        r"Rendezvous(?:Connection|Timeout)Error|DistStoreError|DistNetworkError|connect\(\) timed out",
        "The machines did not find each other.",
        "Check --main-address and --main-port, and that machine 0 was started.",
    ),
    Cause(
        r"ncclInternalError|ncclUnhandledCudaError|ncclSystemError|ncclRemoteError|NCCL error",
        "The GPUs could not talk to each other (NCCL).",
        "Start again with NCCL_P2P_DISABLE=1 and NCCL_IB_DISABLE=1 in the environment.",
    ),
    # the system
    Cause(r"Permission denied: (?P<what>'.+?')", "{what} cannot be read or written.", "Change its rights."),
    Cause(r"Too many open files", "Too many files are open.", "Raise the limit (ulimit -n)."),
    Cause(
        r"Signals\.SIGILL|exitcode\s*:\s*-4\b|Fatal Python error: Illegal instruction"
        r"|exit(?:code| status)\W*(?:3221225501|-1073741795)\b",
        "The trainer has code that this processor does not know.",
        _INSTALL,
    ),
    Cause(
        r"exit(?:code| status)\W*(?:3221225781|-1073741515|3221225785|-1073741511)\b",
        "A library (DLL) that the trainer needs is missing, or of another version.",
        _INSTALL,
    ),
    Cause(
        r"exit(?:code| status)\W*(?:3221225786|-1073741510)\b",
        "The trainer was interrupted from outside (Ctrl-C, or a console that was closed).",
        "Go on with --resume.",
        cut_off=True,
    ),
    Cause(
        r"Signals\.(?:SIGSEGV|SIGABRT|SIGFPE)|exitcode\s*:\s*-(?:11|6|8)\b|Fatal Python error: "
        r"|exit(?:code| status)\W*(?:3221225477|-1073741819|3221226505|-1073740791|3221225725|-1073741571)\b"
        r"|killed by signal: (?:Segmentation fault|Aborted)",
        "The trainer crashed below Python.",
        _CRASH,
        cut_off=True,
    ),
    Cause(
        r"Signals\.SIGTERM|exitcode\s*:\s*-15\b",
        "The trainer was ended from outside (signal 15).",
        "A batch system's time limit or a shutdown does so; go on with --resume.",
        cut_off=True,
    ),
)
"""In the order in which they are looked for: what causes other messages comes first."""

NOTICES: tuple[Cause, ...] = (
    Cause(
        r"neither caption file nor class tokens|No caption file found",
        "Images have no captions.",
        "Give every image a .txt file beside it, and caption_extension = '.txt'.",
    ),
    Cause(
        r"NaN found in latents",
        "The VAE gave NaN, and those images were trained on as zeros.",
        "Set no_half_vae = true.",
    ),
    Cause(r"not directory: (?P<what>.+)", "A folder of the dataset is not there: {what}", _CHECK),
    Cause(
        r"ignore subset with image_dir='(?P<what>[^']*)'",
        "A folder of the dataset is left out: {what}",
        _CHECK,
    ),
    Cause(r"ignore duplicated subset", "A folder of the dataset is there twice, and is used once.", _CHECK),
)
"""What a trainer only mentions, and goes on: said when the run ends, however it ends."""
