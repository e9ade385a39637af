"""``python -m synthmix``: the command line without the installed script."""

from synthmix.cli import main

if __name__ == "__main__":
    main()
