"""The shapes of files that people's tools write: notebooks, GUIs, guides; told anew."""

from __future__ import annotations

from tests.kohya.cases.case import Case
from tests.kohya.cases.folders import photos

NOTEBOOK = """
[network_arguments]
unet_lr = 0.0003
text_encoder_lr = 6e-5
network_dim = 2
network_alpha = 1
network_module = "networks.lora"
network_train_unet_only = false

[optimizer_arguments]
learning_rate = 0.0003
lr_scheduler = "cosine_with_restarts"
lr_scheduler_num_cycles = 3
lr_warmup_steps = 1
optimizer_type = "AdamW8bit"
optimizer_args = [ "weight_decay=0.1", "betas=[0.9,0.99]",]
loss_type = "l2"
max_grad_norm = 1.0

[training_arguments]
pretrained_model_name_or_path = "base.safetensors"
max_train_epochs = 2
train_batch_size = 1
seed = 42
max_token_length = 225
xformers = false
sdpa = true
min_snr_gamma = 8.0
lowram = false
no_half_vae = true
gradient_checkpointing = true
gradient_accumulation_steps = 1
max_data_loader_n_workers = 1
persistent_data_loader_workers = true
mixed_precision = "fp16"
full_bf16 = false
cache_latents = true
cache_latents_to_disk = true
multires_noise_iterations = 6
multires_noise_discount = 0.3

[saving_arguments]
save_precision = "fp16"
save_model_as = "safetensors"
save_every_n_epochs = 1
save_last_n_epochs = 10
output_name = "мой"
output_dir = "out"
log_prefix = "мой"
logging_dir = "logs"
"""
NOTEBOOK_DATA = """
[[datasets]]

[[datasets.subsets]]
num_repeats = 2
image_dir = "photos"

[general]
resolution = 64
shuffle_caption = true
keep_tokens = 1
flip_aug = false
caption_extension = ".txt"
enable_bucket = true
bucket_no_upscale = false
bucket_reso_steps = 64
min_bucket_reso = 64
max_bucket_reso = 128
"""
GUI = """
bucket_no_upscale = true
bucket_reso_steps = 64
cache_latents = true
caption_extension = ".txt"
clip_skip = 1
dynamo_backend = "no"
enable_bucket = true
gradient_accumulation_steps = 1
huber_c = 0.1
huber_scale = 1
huber_schedule = "snr"
learning_rate = 0.0001
logging_dir = "log"
loss_type = "l2"
lr_scheduler = "cosine"
lr_scheduler_args = []
lr_scheduler_num_cycles = 1
lr_scheduler_power = 1
lr_warmup_steps = 1
max_bucket_reso = 128
max_data_loader_n_workers = 0
max_grad_norm = 1
max_timestep = 1000
max_token_length = 75
max_train_steps = 6
min_bucket_reso = 64
mixed_precision = "bf16"
multires_noise_discount = 0.3
network_alpha = 1
network_args = []
network_dim = 2
network_module = "networks.lora"
optimizer_args = []
optimizer_type = "AdamW8Bit"
output_dir = "out"
output_name = "мой"
persistent_data_loader_workers = 0
pretrained_model_name_or_path = "base.safetensors"
prior_loss_weight = 1
resolution = "64,64"
sample_prompts = ""
sample_sampler = "euler_a"
save_every_n_epochs = 1
save_model_as = "safetensors"
save_precision = "bf16"
scale_weight_norms = 5
text_encoder_lr = 0.00004
train_batch_size = 1
train_data_dir = "img"
unet_lr = 0.0001
sdpa = true
"""
FILES = photos("img/3_zorn head")


def gui(id: str, trains: bool, more: str = "", said: str = "", old: str = "", new: str = "") -> Case:
    text = GUI.replace(old, new) if old else GUI
    ignored = said in ("not read", "needs 'sample_prompts'")
    return Case(
        f"GUI {id}", trains, said, dataset=None, files=FILES, raw=text + more, photos=False, silent=ignored
    )


CASES = [
    Case("notebook", True, dataset=NOTEBOOK_DATA, raw=NOTEBOOK, steps=8),
    Case(
        "notebook, constant with warm-up",
        False,
        "'lr_warmup_steps' fails",
        dataset=NOTEBOOK_DATA,
        raw=NOTEBOOK.replace("cosine_with_restarts", "constant"),
    ),
    Case("notebook, SDXL", True, dataset=NOTEBOOK_DATA, raw=NOTEBOOK, script="sdxl_train_network"),
    gui("as it is", True),
    gui(
        "with its own keys", False, 'epoch = 10\nnoise_offset_type = "Original"\n', "'epoch' is not an option"
    ),
    gui(
        "a rate as text",
        False,
        said="'unet_lr' must be a number",
        old="unet_lr = 0.0001",
        new='unet_lr = "1e-4"',
    ),
    gui("without captions read", False, said="not read", old='caption_extension = ".txt"\n'),
    gui("without folders", False, said="there is no folder", old='"img"', new='"images"'),
    gui("with a batch_size", False, "batch_size = 2\n", "'batch_size' belongs in the dataset file"),
    gui("samples without prompts", False, "sample_every_n_epochs = 1\n", "needs 'sample_prompts'"),
]
