"""`python -m remanence`, for launchers that start modules, such as torchrun."""

from remanence.cli import main

main()
