"""`python -m matrixone_cli`: the command line without its script."""

from matrixone_cli import main

if __name__ == "__main__":
    main()
