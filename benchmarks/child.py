"""A program in an environment of its own that answers one line of JSON with another."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
import json
import subprocess
import tempfile
from typing import IO, Any

END_S = 5.0
"""Time to end by itself when nothing more is asked."""


class ChildError(Exception):
    """The child has died or failed; the message says why."""


class Child:
    """Made by ``started``."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        self._process = process
        self._log = log

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises ChildError."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        line = ""
        with suppress(OSError):
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            # The child may print what is not meant for us.
            while (line := stdout.readline()) and not line.startswith("{"):
                pass
        if not line:
            raise ChildError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ChildError(str(answer["error"]))
        return answer

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return lines[-1] if lines else "it ended without a word"


@contextmanager
def started(command: Sequence[str]) -> Iterator[Child]:
    """Run a program until the block ends. Raises OSError if it cannot be started."""
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield Child(process, log)
        finally:
            with suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
