"""What changes during a training run: weights, their moving average, the optimiser and the step counter."""

import copy
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sneakynet.data.sampling import Patches
from sneakynet.errors import SneakyNetError
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.training.loss import Loss, head_loss
from sneakynet.training.processes import Processes
from sneakynet.training.schedule import learning_rate
from sneakynet.training.settings import TrainSettings


def autocast(device: torch.device, precision: Literal["f32", "bf16"]) -> torch.autocast:
    """The context in which a network runs in a precision."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


# Steps between looks at whether a GPU has met a loss that is no number.
_CHECK_EVERY = 20


class DivergedError(SneakyNetError, ArithmeticError):
    """The loss is no number any more, or so large that it will not come down again."""

    @classmethod
    def at(cls, step: int, what: str) -> "DivergedError":
        """With what to do about it."""
        return cls(
            f"the {what} at step {step}: training has diverged. model.safetensors in the run's folder holds the last "
            "weights that were sound: start a new run from them with a smaller rate, --init RUN/model.safetensors "
            "--learning-rate, or with --clip-norm 1"
        )


@dataclass(frozen=True)
class StepReport:
    """What one step did.

    Args:
        losses: by network, ``target`` and ``context_<scale>x``, without gradient; in the first phase contexts only.
        learning_rate: that was used.
    """

    losses: dict[str, Loss]
    learning_rate: float


class Trainer:
    """A network under training.

    Args:
        model: the network, on its device.
        settings: of the run.
        processes: that train it together; by default this one alone. Batch normalisation takes the statistics of all
            their patches on GPUs. On CPUs torch cannot: there each process normalises by its own patches, and the
            running statistics are the mean of theirs.
    """

    def __init__(self, model: SneakyNet, settings: TrainSettings, processes: Processes | None = None) -> None:
        if settings.precision == "bf16" or next(model.parameters()).is_cuda:
            # In float32 on a CPU the plain layout is as fast.
            model = model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.processes = processes or Processes(next(model.parameters()).device)
        if self.processes.count > 1 and self.processes.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        self.model = model
        self.settings = settings
        self.step = settings.first_step
        self.device = next(model.parameters()).device
        self.optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
        self.averaged = copy.deepcopy(model).eval() if settings.ema else None
        for parameter in () if self.averaged is None else self.averaged.parameters():
            parameter.requires_grad = False
        weights = torch.ones(model.architecture.n_classes, device=self.device)
        weights[0] = settings.background_weight
        self.class_weights = weights
        self._skipped = torch.zeros((), device=self.device)

    @property
    def exported(self) -> SneakyNet:
        """The network whose weights are validated and written: the moving average where there is one."""
        return self.model if self.averaged is None else self.averaged

    def train_step(self, patches: Patches) -> StepReport:
        """One forward pass, backward pass and update.

        Args:
            patches: this process's share of the batch.

        Raises:
            DivergedError: the loss is not finite; the weights are left as they were.
        """
        settings = self.settings
        rate = learning_rate(
            self.step,
            peak=settings.learning_rate,
            kind=settings.schedule,
            steps=settings.steps,
            warmup_steps=settings.warmup_steps,
            first_step=settings.first_step,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        parts = [self._learn(part) for part in patches.parts(settings.accumulate)]
        self._check(torch.stack([loss.total for part in parts for loss in part.values()]).sum())
        self._add_up_gradients()
        if settings.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm)
        self.optimiser.step()
        self.step += 1
        self._average()
        return StepReport(losses=_mean(parts), learning_rate=rate)

    def _learn(self, patches: Patches) -> dict[str, Loss]:
        """Add the gradient of some of a step's patches; their losses without it."""
        losses = self.losses(patches, contexts_only=self.step < self.settings.context_steps)
        total = torch.stack([loss.total for loss in losses.values()]).sum() / self.settings.accumulate
        total.backward()  # type: ignore[no-untyped-call]
        return {name: replace(loss, total=loss.total.detach()) for name, loss in losses.items()}

    @torch.no_grad()
    def _add_up_gradients(self) -> None:
        """Over the processes, as one message; and bring the running statistics of their norms together."""
        count = self.processes.count
        if count == 1:
            return
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        _replace(gradients, self.processes.add_up(torch.cat([gradient.flatten() for gradient in gradients])))
        if statistics := [buffer for buffer in self.model.buffers() if buffer.is_floating_point()]:
            sums = self.processes.add_up(torch.cat([buffer.flatten() for buffer in statistics]))
            _replace(statistics, sums / count)

    def _check(self, total: Tensor) -> None:
        """Let no loss that is no number reach the weights."""
        if self.device.type == "cuda":
            # The optimiser skips such a step by itself; asking at each step would leave the GPU waiting.
            self.optimiser.found_inf = (~torch.isfinite(total)).float()  # type: ignore[attr-defined]
            self._skipped = self._skipped + self.optimiser.found_inf  # type: ignore[attr-defined]
            bad = self.step % _CHECK_EVERY == 0 and bool(self._skipped)
        else:
            bad = not bool(torch.isfinite(total))
        if bad:
            raise DivergedError.at(self.step, f"loss is {float(total)}")

    def losses(self, patches: Patches, *, contexts_only: bool = False) -> dict[str, Loss]:
        """Loss of every network that has one; their sum is what is trained on."""
        images = [image.to(self.device, non_blocking=True) for image in patches.images]
        labels = [label.to(self.device, non_blocking=True) for label in patches.labels]
        heads = self.model.context_heads()
        with autocast(self.device, self.settings.precision):
            if contexts_only:
                alone = self.model.context_features_in_blocks if patches.places else self.model.context_features
                features = list(alone(images[1:]))
            else:
                maps = (
                    self.model.features_in_blocks(images[0], images[1:], patches.places)
                    if patches.places
                    else self.model.features(images[0], images[1:])
                )
                features = [maps.target, *maps.contexts]
        scored = {f"context_{2**n}x": i for i, n in enumerate(self.model.architecture.contexts) if i < len(heads)}
        parts = [] if contexts_only else [("target", features.pop(0), self.model.target_head(), labels[0])]
        parts += [(name, features[i], heads[i], labels[i + 1]) for name, i in scored.items()]
        return {
            name: head_loss(
                feature,
                weight,
                bias,
                label,
                dice=self.settings.dice,
                class_weights=self.class_weights,
                ignore=torch.iinfo(label.dtype).max,
                add_up=self.processes.add_up if self.processes.count > 1 else None,
            )
            for name, feature, (weight, bias), label in parts
        }

    def state(self) -> dict[str, Any]:
        """Everything that a later run needs to go on exactly; tensors and plain values."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave."""
        self.step = int(state["step"])
        self.model.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is None:
            return
        # A short history counts less, or the first weights would linger for thousands of steps.
        done = self.step - self.settings.first_step
        decay = min(self.settings.ema, (1 + done) / (10 + done))
        old: list[Tensor] = list(self.averaged.parameters())
        torch._foreach_lerp_(old, list(self.model.parameters()), 1 - decay)
        if statistics := list(self.averaged.buffers()):
            torch._foreach_copy_(statistics, list(self.model.buffers()))


def _replace(tensors: list[Tensor], flat: Tensor) -> None:
    start = 0
    for tensor in tensors:
        tensor.copy_(flat[start : start + tensor.numel()].view(tensor.shape))
        start += tensor.numel()


def _mean(parts: list[dict[str, Loss]]) -> dict[str, Loss]:
    """Of every network's losses over the parts of a step."""
    if len(parts) == 1:
        return parts[0]
    return {
        name: Loss(
            *(
                torch.stack([torch.as_tensor(getattr(part[name], field.name)) for part in parts]).mean()
                for field in fields(Loss)
            )
        )
        for name in parts[0]
    }
