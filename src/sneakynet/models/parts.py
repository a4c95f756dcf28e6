"""The maps that a network's parts hand each other, known from its architecture alone.

Each context network gives some maps, the target network reads their centres. Where the parts run apart from each
other, as exported graphs do, this says what goes in and out of each, by name and in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sneakynet.models.architecture import Architecture


@dataclass(frozen=True)
class MapShape:
    """A feature map, but for its batch.

    Args:
        name: what it is: ``decoder_1`` of a context, ``context_2_decoder_1`` where the target reads it.
        channels: how many.
        level: its edges are those of the patch that its network reads, divided by ``2**level``.
    """

    name: str
    channels: int
    level: int

    def shape(self, batch: int, edges: Sequence[int]) -> tuple[int, ...]:
        """Of the map of a batch of patches with the given edges."""
        return (batch, self.channels, *(edge >> self.level for edge in edges))


def context_outputs(architecture: Architecture, context: int) -> tuple[MapShape, ...]:
    """The maps of one context (counted from 0) that anything reads, each once."""
    return tuple(dict.fromkeys(maps_read(architecture, context)))


def maps_read(architecture: Architecture, context: int) -> tuple[MapShape, ...]:
    """The maps of one context as ``SneakyNet.read_maps`` returns them; variant E may read one twice."""
    width = architecture.width
    read = [
        MapShape(f"{link.source}_{link.source_level}", width * 2**link.source_level, link.source_level)
        for link in architecture.crop_skips
        if link.context == context
    ]
    return (*read, MapShape("decoder_0", width, 0)) if architecture.variant == "E" else tuple(read)


def target_inputs(architecture: Architecture) -> tuple[MapShape, ...]:
    """What the target reads: its patch, then what each crop-skip brings, cut to the target's field of view."""
    crossed = [
        MapShape(
            f"context_{link.context + 1}_{link.source}_{link.source_level}",
            architecture.width * 2**link.source_level,
            link.target_level,
        )
        for link in architecture.crop_skips
    ]
    return (MapShape("target", 1, 0), *crossed)


def target_output(architecture: Architecture) -> MapShape:
    """What the target gives: its level 0 decoder map."""
    return MapShape("features", architecture.width, 0)


def head_channels(architecture: Architecture) -> int:
    """Channels that the head scores: the target's own and, for variant E, those of every context."""
    beside = len(architecture.contexts) if architecture.variant == "E" else 0
    return architecture.width * (1 + beside)


def edge_unit(architecture: Architecture, context: int) -> int:
    """What every edge of a context's volume must be a multiple of, so that each pooling halves it evenly."""
    # Variant C's contexts end at the deepest level that the target reads.
    shallower = architecture.contexts[context] if architecture.variant == "C" else 0
    return int(2 ** (architecture.levels - 1 - shallower))
