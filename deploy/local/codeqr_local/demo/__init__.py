"""`make demo`: one link, a few hundred visits, and every part of the system counting them before your eyes."""

from codeqr_local.demo.command import run

__all__ = ["run"]
