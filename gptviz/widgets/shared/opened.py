"""What a view opens in its trace: a layer, and a token. Both are stored in the view's selection."""

from gptviz.checks import check_index
from gptviz.trace.trace import Trace
from gptviz.widgets.shared.view import View


class OpensLayer(View):
    """A view with one open layer."""

    def _shown(self) -> Trace:
        """Returns the trace whose layers are shown: of an encoder-decoder, that of one stack."""
        return self._require_trace()

    @property
    def layer(self) -> int:
        """The open layer; set it to open another."""
        return min(int(self.selection.layer), self._shown().n_layers - 1)

    @layer.setter
    def layer(self, value: int) -> None:
        self.selection.layer = check_index(value, self._shown().n_layers, "layer")


class OpensPosition(View):
    """A view of one token at a time."""

    @property
    def position(self) -> int:
        """The token that is shown; -1 is the last."""
        return int(self.selection.query)

    @position.setter
    def position(self, value: int) -> None:
        self.selection.query = check_index(value, len(self._require_trace().tokens), "position", negative=True)
