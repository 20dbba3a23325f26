"""`python -m camelopard` is the command line."""

from camelopard.cli.main import main

if __name__ == "__main__":
    main()
