"""JupyterLab's connection to a kernel without the delay that TCP adds to small messages.

jupyter_server leaves Nagle's algorithm on: a widget's short message waits for the acknowledgement of the one before, which
the other side delays, about 40 ms for each round trip. `gptviz lab` starts the server with this class.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class NoDelayConnection(ZMQChannelsWebsocketConnection):
    """The server's own connection class with TCP_NODELAY set before the first message."""

    def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return super().connect()
