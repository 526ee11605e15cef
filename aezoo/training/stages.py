"""Running trainers to their end, stage after stage, with log, bar and checkpoints."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aezoo.config.run import RunConfig
from aezoo.errors import InterruptedRun
from aezoo.parts.autoencoder import Autoencoder, load_state, split_state
from aezoo.registry.onefile import trust_option
from aezoo.rundir.rundir import Checkpoint, RunDir
from aezoo.rundir.tensorboard import Board
from aezoo.training.progress import Progress
from aezoo.training.signals import on_signals
from aezoo.training.trainer import Trainer

Look = Callable[[int], dict[str, float]]
"""Evaluation while training: completed steps -> numbers to log."""


class Stages:
    """The stages of one run: `train`, then `fit` for priors that train on codes.

    A checkpoint holds the whole model and the state of the stage's trainer. On resume, stages that were
    over are skipped, and the one that was running goes on where it stopped.
    """

    def __init__(
        self,
        run: RunDir,
        model: Autoencoder,
        config: RunConfig,
        progress: Progress,
        resume: Checkpoint | None = None,
    ) -> None:
        self.run, self.model, self.config, self.progress = run, model, config, progress
        self.seconds = resume.seconds if resume else 0.0
        self._resume = resume
        self._names: list[str] = []
        self._signal: int | None = None
        self._board: Board | None = None

    def go(self, stage: str, trainer: Trainer, steps: int, look: Look | None = None) -> bool:
        """Train until `steps` iterations are done; whether what follows from them is still to be done.

        It is not when the run is resumed in a later stage, whose checkpoints have it.

        Raises:  DivergedError, leaving the last good checkpoint; InterruptedRun after writing one
        """
        if self._is_over(stage):
            trainer.completed = steps
            return False
        self._take_up(stage, trainer)
        self.progress.start(stage, steps, trainer.completed)
        start = time.perf_counter()
        before = self.seconds
        while trainer.completed < steps:
            due = trainer.completed + 1
            self._log(stage, trainer, due, look)
            self.progress.advance(due)
            if stage == "train":
                self.seconds = before + time.perf_counter() - start
            if self._signal is not None:
                self.save(stage, trainer)
                raise self._interruption(self._signal)
            every = self.config.checkpoint.every
            if due == steps or (every and due % every == 0):
                self.save(stage, trainer)
        self.progress.finish()
        return True

    def _log(self, stage: str, trainer: Trainer, due: int, look: Look | None) -> None:
        """One iteration, and its line in metrics.jsonl where one is due."""
        record = due % self.config.train.log_every == 0 or due == 1
        numbers = trainer.iterate(record)
        every = self.config.evaluate.every
        if look is not None and every and due % every == 0:
            numbers |= look(due)
        if numbers:
            label = {} if stage == "train" else {"stage": stage}
            self._tell({"step": due, **label, **numbers})
            self.progress.show(numbers)

    def _tell(self, line: Mapping[str, Any]) -> None:
        """A line for metrics.jsonl, and for those who watch."""
        if self.config.train.tensorboard and self._board is None:
            self._board = Board(self.run)  # what was rewound is gone by now
        self.run.append_metrics(line)
        if self._board is not None:
            self._board.write(line)

    def close(self) -> None:
        """Nothing more is told."""
        if self._board is not None:
            self._board.close()
            self._board = None

    def save(self, stage: str, trainer: Trainer) -> None:
        """Write a checkpoint; a model with weights that are not finite is never saved."""
        trainer.check_weights()
        if self.run.is_replacing:  # its directory is about to move: the board is begun anew where it goes
            self.close()
        model, memory = split_state(self.model)
        checkpoint = Checkpoint(stage, trainer.completed, model, {**trainer.state(), **memory}, self.seconds)
        self.run.save_checkpoint(checkpoint, self.config.checkpoint.keep)

    def _is_over(self, stage: str) -> bool:
        """Whether the checkpoint we resume from belongs to a later stage."""
        self._names.append(stage)
        return self._resume is not None and self._resume.stage not in self._names

    def _take_up(self, stage: str, trainer: Trainer) -> None:
        if self._resume is None or self._resume.stage != stage:
            self.run.rewind_metrics(stage, 0)
            return
        found = self._resume.trainer.items()
        memory = {key.removeprefix("memory/"): value for key, value in found if key.startswith("memory/")}
        load_state(self.model, {**self._resume.model, **memory})
        trainer.load_state(self._resume.trainer, self._resume.step)
        self.run.rewind_metrics(stage, self._resume.step, self._resume.log)
        self._resume = None

    def _interruption(self, number: int) -> InterruptedRun:
        resume = f"--out {self.run.path} --resume{trust_option(self.config)}"
        return InterruptedRun(
            f"stopped by {signal.Signals(number).name}; a checkpoint is written",
            exit_code=128 + number,
            fix=f"go on with: aezoo train {self.run.path / 'config.toml'} {resume}",
        )

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM stop training at the end of the iteration; a second one stops at once."""

        def note(number: int) -> None:
            if self._signal is not None:
                raise KeyboardInterrupt
            self._signal = number

        with on_signals(note):
            yield
        if self._signal is not None:  # it came after the last iteration, while a prior was fitted
            raise self._interruption(self._signal)
