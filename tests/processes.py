"""Trains a few steps and writes the weights and the number of processes: run by test_train under torchrun.

python -m tests.processes OUT
"""

import sys
from collections import deque
from pathlib import Path

import accelerate
import safetensors.torch

from ali_core.config import Config
from ali_core.data import datasets
from ali_core.training.loop import train

CONFIG = Config(name="two", member="alice", data="grid", width=32, batch=64, steps=30)


def run(out: Path) -> None:
    """Trains CONFIG to its end; the main process writes OUT."""
    progress = deque(train(CONFIG, datasets.load("grid")), maxlen=1).pop()
    if progress.main:
        tensors = {
            f"{name}.{k}": v.contiguous() for name, net in progress.nets.items() for k, v in net.state_dict().items()
        }
        world = accelerate.PartialState().num_processes
        safetensors.torch.save_file(tensors, out, {"world": str(world)})


if __name__ == "__main__":
    run(Path(sys.argv[1]))
    # leave together: gloo aborts where a peer is gone while the main process still writes
    state = accelerate.PartialState()
    state.wait_for_everyone()
    state.destroy_process_group()
