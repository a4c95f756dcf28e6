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
from sneakynet.training.recorded import RecordedStep, shapes
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
        # The plain layout is as fast in float32 on a CPU where channels are multiples of 16, and else slower.
        model = model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.processes = processes or Processes(next(model.parameters()).device)
        if self.processes.count > 1 and self.processes.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        self.model = model
        self.settings = settings
        self.step = settings.first_step
        self.device = next(model.parameters()).device
        # What a recorded step reads lies on the GPU: there the rate is a tensor.
        self._records = self.device.type == "cuda" and self.processes.count == 1 and settings.shared_context == 0
        rate = torch.tensor(settings.learning_rate, device=self.device) if self._records else settings.learning_rate
        self.optimiser = torch.optim.Adam(model.parameters(), lr=rate, fused=True, capturable=self._records)
        self._recorded: dict[tuple[object, ...], RecordedStep] = {}
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
        self._set_rate(rate)
        self.model.train()
        contexts_only = self.step < settings.context_steps
        values = self._run(patches, contexts_only=contexts_only)
        self._refuse_divergence(values)
        self.step += 1
        self._average()
        names = self._loss_names(contexts_only=contexts_only)
        return StepReport(
            losses={name: Loss(*row) for name, row in zip(names, values, strict=True)}, learning_rate=rate
        )

    def _run(self, patches: Patches, *, contexts_only: bool) -> Tensor:
        """A step's work; see `_update`. On one GPU it is recorded and replayed."""
        if not self._records:
            return self._update(patches, contexts_only=contexts_only)
        on_device = Patches(
            tuple(image.to(self.device, non_blocking=True) for image in patches.images),
            tuple(label.to(self.device, non_blocking=True) for label in patches.labels),
        )
        kind = (contexts_only, shapes(on_device))
        if kind not in self._recorded:
            # A recording holds the gradients of its step: another kind of step starts without them.
            self._recorded = {kind: RecordedStep(lambda these: self._update(these, contexts_only=contexts_only))}
        return self._recorded[kind](on_device)

    def _update(self, patches: Patches, *, contexts_only: bool) -> Tensor:
        """Gradients and update, without a look at any value on a GPU.

        Returns:
            Total, cross-entropy and Dice of every network that has a loss, ``[network 3]``.
        """
        self.optimiser.zero_grad(set_to_none=True)
        settings = self.settings
        parts = [self._learn(part, contexts_only=contexts_only) for part in patches.parts(settings.accumulate)]
        values = torch.stack([torch.stack([torch.stack(_values(loss)) for loss in part.values()]) for part in parts])
        self._skip_if_no_number(values[..., 0].sum())
        self._add_up_gradients()
        if settings.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm)
        self.optimiser.step()
        return values.mean(0)

    def _learn(self, patches: Patches, *, contexts_only: bool) -> dict[str, Loss]:
        """Add the gradient of some of a step's patches; their losses without it."""
        losses = self.losses(patches, contexts_only=contexts_only)
        weights = [1.0 if name == "target" else self.settings.context_weight for name in losses]
        weighted = [weight * loss.total for weight, loss in zip(weights, losses.values(), strict=True)]
        total = torch.stack(weighted).sum() / self.settings.accumulate
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

    def _skip_if_no_number(self, total: Tensor) -> None:
        """Let no loss that is no number reach the weights."""
        if self.device.type == "cuda":
            # The optimiser skips such a step by itself; asking at each step would leave the GPU waiting.
            self.optimiser.found_inf = (~torch.isfinite(total)).float()  # type: ignore[attr-defined]
            self._skipped += self.optimiser.found_inf  # type: ignore[attr-defined]
        elif not bool(torch.isfinite(total)):
            raise DivergedError.at(self.step, f"loss is {float(total)}")

    def _refuse_divergence(self, values: Tensor) -> None:
        """On a GPU, ask now and then."""
        if self.device.type == "cuda" and self.step % _CHECK_EVERY == 0 and bool(self._skipped):
            raise DivergedError.at(self.step, f"loss is {float(values[:, 0].sum())}")

    def _set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

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
        parts = [] if contexts_only else [(features.pop(0), self.model.target_head(), labels[0])]
        parts += zip(features, heads, labels[1:], strict=False)  # contexts without a decoder have labels alone
        names = self._loss_names(contexts_only=contexts_only)
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
            for name, (feature, (weight, bias), label) in zip(names, parts, strict=True)
        }

    def _loss_names(self, *, contexts_only: bool) -> list[str]:
        """Of the networks that have a loss, in order."""
        contexts = self.model.architecture.contexts[: len(self.model.context_heads())]
        return [*([] if contexts_only else ["target"]), *(f"context_{2**kappa}x" for kappa in contexts)]

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
        self._recorded.clear()
        self.optimiser.load_state_dict(state["optimiser"])
        for group in self.optimiser.param_groups:  # a run may go on elsewhere than where it began
            group["capturable"] = self._records
            group["lr"] = torch.as_tensor(group["lr"], device=self.device) if self._records else float(group["lr"])

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


def _values(loss: Loss) -> list[Tensor]:
    return [torch.as_tensor(getattr(loss, field.name)).float() for field in fields(Loss)]
