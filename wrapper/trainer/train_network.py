"""``python -m wrapper.trainer.train_network --config_file X.toml --dataset_config Y.toml``."""

import sys

from wrapper.trainer.train import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "train_network"))
