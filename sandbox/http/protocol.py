"""HTTP/1.1 on a connection, as uvicorn and httptools speak it, for clients that offer to change to another protocol.

Java's `HttpClient` offers HTTP/2 with every request (`Connection: Upgrade`, `Upgrade: h2c`). A server may ignore that
(RFC 9110 section 7.8). The parser takes the end of such a head for the end of HTTP, and uvicorn for that of the
request, whose body would be lost.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Http1Protocol"]

_FRAMING = {b"content-length", b"transfer-encoding"}


class Http1Protocol(HttpToolsProtocol):
    """Ignores offers to change the protocol, but for those that uvicorn takes: WebSockets, where they are served."""

    _repeating = False
    """Whether the parser is told of a head again, which has been heard already."""

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        self._unset_keepalive_if_required()
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self._should_upgrade():
                    self.handle_websocket_upgrade()
                    return
                data = data[offer.args[0] :]
                self._read_on()
            except httptools.HttpParserError:
                message = "Invalid HTTP request received."
                self.logger.warning(message)
                self.send_400_response(message)
                return
            else:
                return

    def _read_on(self) -> None:
        """Have a new parser read the body of the request whose head ended the last one, and what follows."""
        framing = [b"%s: %s\r\n" % pair for pair in self.headers if pair[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(self)
        self._repeating = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n" % b"".join(framing))

    def on_headers_complete(self) -> None:
        """The end of a head: from here on a request is answered, once."""
        if not self._repeating:
            super().on_headers_complete()
        self._repeating = False

    def on_message_complete(self) -> None:
        """The end of a body; after an offer, that which the parser takes for it is the end of the head."""
        if not self.parser.should_upgrade() or self._should_upgrade():
            super().on_message_complete()
