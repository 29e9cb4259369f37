"""``python -m wrapper`` is ``lorawrap``."""

from wrapper.cli.main import main

if __name__ == "__main__":
    main()
