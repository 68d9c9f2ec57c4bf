"""Starting many processes: the profiles, the line that `accelerate launch` is given, and waiting for its end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from finetune.errors import Interrupted, SpecError, TrainingError, nearest

if TYPE_CHECKING:
    from finetune.run.context import Run

USUAL = "ddp"
PROFILES = Path(__file__).parent / "profiles"
CPU_PROCESSES = 2
STOP_SECONDS = 300  # for a step to end and its checkpoint to be written once a stop was asked for; torchrun gives 30


@dataclass(frozen=True, slots=True)
class Launch:
    """How many processes are started, and how."""

    profile: str
    processes: int
    reason: str  # where the number comes from

    @property
    def file(self) -> Path:
        """The profile: a configuration file of accelerate."""
        return PROFILES / f"{self.profile}.yaml"

    def settings(self) -> dict[str, Any]:
        """What the profile says, key by key."""
        import yaml

        content = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        nested = {name: value for name, value in content.items() if isinstance(value, Mapping)}
        flat = {name: value for name, value in content.items() if name not in nested}
        return flat | {f"{name}.{key}": value for name, group in nested.items() for key, value in group.items()}

    def environment(self) -> dict[str, str]:
        """Variables for the processes, besides those that there are."""
        cpu = {"ACCELERATE_USE_CPU": "true"} if self.settings().get("use_cpu") else {}
        return cpu | {"TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(STOP_SECONDS)}

    def origins(self) -> list[tuple[str, Any, str]]:
        """Every value and where it comes from."""
        file = f"profile {self.profile}.yaml"
        environment = {"ACCELERATE_USE_CPU": f"{file}, use_cpu", "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "finetune launch"}
        return [("profile", self.profile, str(self.file)), ("num_processes", self.processes, self.reason),
                *((key, value, file) for key, value in self.settings().items()),
                *((name, value, environment[name]) for name, value in self.environment().items())]

    def line(self, recipe: str, run: str) -> list[str]:
        """What is started."""
        return [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(self.file),
                "--num_processes", str(self.processes), "--log_dir", os.devnull,  # else torch leaves a folder in TMPDIR
                "-m", "finetune", "train", recipe, "--resume", run]

    def spelt(self, recipe: str, run: str) -> str:
        """The same for a shell, variables included."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment().items()]
        return " ".join([*variables, shlex.join(self.line(recipe, run))])


def profiles() -> list[str]:
    """The names there are: the files of the folder."""
    return sorted(file.stem for file in PROFILES.glob("*.yaml"))


def plan(profile: str, processes: int | None) -> Launch:
    """A launch with as many processes as asked for, else one per accelerator, with the cpu profile two."""
    known = profiles()
    if profile not in known:
        raise SpecError([f"--profile: {profile!r} is unknown, allowed are {', '.join(known)}."
                         f"{nearest(profile, known)}"])
    if processes is not None and processes < 1:
        raise SpecError([f"--processes: {processes} found, at least 1 is needed. Use for example 2."])
    if processes is not None:
        return Launch(profile, processes, "--processes")
    if profile == "cpu":
        return Launch(profile, CPU_PROCESSES, "finetune launch, for the CPU")
    seen = accelerators()
    if seen == 0:
        raise SpecError([_too_few(profile, 1, seen)])
    return Launch(profile, seen, "machine: accelerators seen")


def plan_again(run: Run, profile: str | None, processes: int | None) -> Launch:
    """The launch with which a run was started; what is asked for besides must not differ in the number of processes."""
    before = run.launched()
    if processes not in (None, before["processes"]):
        raise SpecError([f"--processes: {processes} found, but {run.folder.path} was started with "
                         f"{before['processes']} and cannot be resumed exactly with another number. Leave it out, or "
                         "start a new run."])
    found = plan(profile or before["profile"] or USUAL, before["processes"])
    return Launch(found.profile, found.processes, "launch.json of the run")


def check(launch: Launch) -> None:
    """Refuse what this machine cannot start."""
    if launch.profile == "zero3":
        raise SpecError([_no_deepspeed()])
    if launch.profile != "cpu" and (seen := accelerators()) < launch.processes:
        raise SpecError([_too_few(launch.profile, launch.processes, seen)])


def note(run: Run, profile: str, processes: int) -> None:
    """Keep in `launch.json` how a run trains that has not begun to: resuming takes as many processes."""
    if processes > 1 and not (run.folder.path / "launch.json").is_file():
        run.folder.write("launch.json", {"profile": profile, "processes": processes})


def accelerators() -> int:
    """How many devices other than the CPU torch sees."""
    import torch

    return int(torch.accelerator.device_count())


def train(run: Run, launch: Launch) -> None:
    """Carry out the training stage in many processes, and make sure that there were as many as asked for."""
    line = launch.line(run.name, str(run.folder.path))
    run.say(launch.spelt(run.name, str(run.folder.path)))
    status, stopped = _outcome(line, os.environ | launch.environment())
    again = f"Go on with: {run.again()}"
    if stopped:
        raise Interrupted("launch", f"stopped. {again}")
    if status != 0:
        error = TrainingError("launch", f"the processes ended with exit code {status}; what happened stands above.")
        error.add_note(f"The run is kept. {again}")
        raise error
    trained = run.folder.read("train.json")["train"]["processes"]
    if trained != launch.processes:
        raise TrainingError("launch", f"{launch.processes} processes were asked for, and {trained} have trained. "
                                      "Start a new run.")


def _outcome(line: list[str], environment: Mapping[str, str]) -> tuple[int, bool]:
    """Exit code, and whether a stop was asked for, which is handed on: once, as the launcher has its own session."""
    asked: list[int] = []
    children: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # signal's
        asked.append(number)
        for child in children:
            child.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        children.append(subprocess.Popen(line, env=dict(environment), start_new_session=True))
        if asked:  # before there was anybody to hand it on to
            children[0].terminate()
        return children[0].wait(), bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _too_few(profile: str, needed: int, seen: int) -> str:
    return (f"--profile {profile}: {needed} accelerator(s) are needed and {seen} seen. "
            + (f"Use --processes {seen}, or --profile cpu." if seen else "Use --profile cpu, which trains on the CPU."))


def _no_deepspeed() -> str:
    way_out = "Use --profile fsdp, which shards weights, gradients and optimizer alike."
    try:
        metadata.version("deepspeed")
    except metadata.PackageNotFoundError:
        return f"--profile zero3: the package deepspeed is needed and not installed. {way_out}"
    return f"--profile zero3: the checkpoints of this loop do not gather what deepspeed shares out. {way_out}"
