"""What goes wrong with the local stack, in sentences for the person at the terminal."""


class StackError(Exception):
    """The command cannot be carried out; the message is the whole explanation, one or a few lines."""


class StartFailed(StackError):
    """The stack cannot start. processes: whose log says more."""

    def __init__(self, message: str, processes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.processes = processes
