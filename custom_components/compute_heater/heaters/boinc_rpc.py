"""GUI RPC of a BOINC client: XML over TCP, each message ended by the byte 3."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import hashlib
import re
from xml.etree import ElementTree as ET

from .model import HeaterAuthError, HeaterConnectionError, HeaterProtocolError

CONNECT_S = 5.0
CALL_S = 8.0
MAX_REPLY = 16 * 1024 * 1024
"""Bytes: some thousand tasks."""

_END = b"\003"
_START = b"<boinc_gui_rpc_reply>"
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = re.compile(r"<\?.*?\?>", re.DOTALL)


class BoincHostRefusedError(HeaterConnectionError):
    """BOINC hangs up on this machine: it is not among its remote hosts."""


class BoincRpc:
    """One open connection; made by ``boinc_session``."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._heard = False

    async def call(self, request: str) -> ET.Element:
        """Send one request and return the reply element.

        Raises HeaterConnectionError, HeaterProtocolError or HeaterAuthError.
        """
        message = f"<boinc_gui_rpc_request>\n{request}\n</boinc_gui_rpc_request>\n"
        try:
            async with asyncio.timeout(CALL_S):
                self._writer.write(message.encode() + _END)
                await self._writer.drain()
                raw = await self._read_reply()
        except TimeoutError as err:
            raise HeaterConnectionError(f"no answer within {CALL_S:g} s") from err
        except OSError as err:
            raise self._hung_up(f"connection lost: {err}") from err
        self._heard = True
        reply = _parse(raw)
        if reply.find("unauthorized") is not None:
            raise HeaterAuthError("BOINC refused the password")
        return reply

    async def authorize(self, password: str) -> None:
        """Log in, without sending the password itself."""
        nonce = (await self.call("<auth1/>")).findtext("nonce", "").strip()
        if not nonce:
            raise HeaterProtocolError("BOINC gave no nonce to log in with")
        answer = hashlib.md5(
            (nonce + password).encode(), usedforsecurity=False
        ).hexdigest()
        reply = await self.call(f"<auth2>\n<nonce_hash>{answer}</nonce_hash>\n</auth2>")
        if reply.find("authorized") is None:
            raise HeaterProtocolError("BOINC did not say whether the login succeeded")

    def _hung_up(self, how: str) -> HeaterConnectionError:
        """Tell a lost connection from one that was never wanted."""
        if self._heard:
            return HeaterConnectionError(how)
        return BoincHostRefusedError(
            "hung up at once: BOINC does not list this machine in remote_hosts.cfg"
        )

    async def _read_reply(self) -> bytes:
        received = bytearray()
        searched = 0
        while (end := received.find(_END, searched)) < 0:
            searched = len(received)
            chunk = await self._reader.read(65536)
            if not chunk:
                if received:
                    raise HeaterConnectionError(
                        "BOINC hung up in the middle of a reply"
                    )
                raise self._hung_up("BOINC hung up instead of replying")
            received += chunk
            start = bytes(received[:200]).lstrip()[: len(_START)]
            if not _START.startswith(start):
                raise HeaterProtocolError("this is not BOINC")
            if len(received) > MAX_REPLY:
                raise HeaterProtocolError("the reply has no end")
        return bytes(received[:end])


@asynccontextmanager
async def boinc_session(
    host: str, port: int, password: str
) -> AsyncGenerator[BoincRpc]:
    """Connect, log in, and hang up afterwards.

    Raises HeaterConnectionError where nothing answers, BoincHostRefusedError where BOINC
    does not listen to this machine, HeaterAuthError for a wrong password, and
    HeaterProtocolError for anything that is not BOINC.
    """
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError as err:
        raise HeaterConnectionError(f"no connection within {CONNECT_S:g} s") from err
    except (OSError, ValueError) as err:
        # ValueError: a name that IDNA cannot encode.
        raise HeaterConnectionError(f"no connection: {err}") from err
    try:
        rpc = BoincRpc(reader, writer)
        await rpc.authorize(password)
        yield rpc
    finally:
        # Nothing is left to be said, so nobody has to be waited for.
        writer.transport.abort()


def _parse(raw: bytes) -> ET.Element:
    """Parse a reply; names and files of users in it may hold any bytes."""
    text = _NO_XML.sub(" ", raw.decode(errors="replace"))
    text = _DECLARATION.sub("", text)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise HeaterProtocolError("the reply defines entities")
    # Comments stay: the preferences are written back.
    builder = ET.TreeBuilder(insert_comments=True)
    try:
        # Without a document type there is nothing to expand.
        return ET.fromstring(text, parser=ET.XMLParser(target=builder))  # noqa: S314
    except ET.ParseError as err:
        raise HeaterProtocolError(f"the reply is no XML: {err}") from err
