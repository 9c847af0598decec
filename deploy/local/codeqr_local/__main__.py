"""`python -m codeqr_local` is the `codeqr` command."""

from codeqr_local.cli import main

main()
