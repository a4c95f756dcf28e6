"""A training step recorded once as a CUDA graph and replayed.

At the paper's batch of two a step of five-level U-Nets is hundreds of kernels of some microseconds each; Python takes
longer to launch them than the GPU to run them. A replay launches them all at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from sneakynet.data.sampling import Patches

# Steps that run as usual first: what libraries set up on first use must not be recorded.
_WARM_UP = 3


class RecordedStep:
    """Runs steps of one shape: the first few as usual, then one recording again and again.

    Args:
        compute: a whole step on patches that lie on the GPU, optimiser included, without asking the GPU anything; it
            gives the losses' values as one tensor. What it changes must stay where it is: weights, gradients, the
            optimiser's memory, its rate as a tensor.
    """

    def __init__(self, compute: Callable[[Patches], Tensor]) -> None:
        self._compute = compute
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._done = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._patches: Patches | None = None
        self._values = torch.zeros(())

    def __call__(self, patches: Patches) -> Tensor:
        """One step; the losses' values."""
        current = torch.cuda.current_stream()
        if self._done < _WARM_UP:
            self._done += 1
            self._stream.wait_stream(current)
            with torch.cuda.stream(self._stream):
                values = self._compute(patches)
            current.wait_stream(self._stream)
            return values
        if self._graph is None or self._patches is None:
            self._patches = _like(patches)
            self._graph = torch.cuda.CUDAGraph()
            # Patches of the next step may be made by another thread meanwhile.
            with torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"):
                self._values = self._compute(self._patches)
        torch._foreach_copy_([*self._patches.images], [*patches.images])
        torch._foreach_copy_([*self._patches.labels], [*patches.labels])
        self._graph.replay()
        return self._values.clone()  # the next replay writes to the same place


def shapes(patches: Patches) -> tuple[torch.Size, ...]:
    """What a recording is good for."""
    return tuple(each.shape for each in (*patches.images, *patches.labels))


def _like(patches: Patches) -> Patches:
    return Patches(
        tuple(torch.empty_like(image) for image in patches.images),
        tuple(torch.empty_like(label) for label in patches.labels),
    )
