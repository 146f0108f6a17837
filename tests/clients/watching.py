"""Reading of Watch streams: the live queries."""
import itertools

import grpc


class Watch:
    """An open Watch stream; its answers are read in order, each within the stream's deadline."""

    def __init__(self, stream):
        self._stream = stream
        self._changes = iter(())
        self.resume_token = ""
        self.initial_done = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    def next_batch(self):
        """The changes of the next answer."""
        batch = next(self._stream)
        self.resume_token = batch.resume_token
        self.initial_done = self.initial_done or batch.initial_done
        return list(batch.changes)

    def initial(self):
        """What was there when the stream began."""
        found = []
        while not self.initial_done:
            found.extend(self.next_batch())
        return found

    def next(self):
        """The next change."""
        while (change := next(self._changes, None)) is None:
            self._changes = iter(self.next_batch())
        return change

    def until(self, wanted):
        """The first change from here on for which `wanted` holds."""
        return next(change for change in iter(self.next, None) if wanted(change))

    def take(self, count):
        """The next `count` changes."""
        return list(itertools.islice(iter(self.next, None), count))

    def cut(self):
        """Ends the stream from the client's side, as a lost connection would."""
        self._stream.cancel()
        try:
            for _ in self._stream:
                pass
        except grpc.RpcError:
            pass
