"""What this machine is and what it can reach; standard library only, so that every layer may ask."""

from __future__ import annotations

import functools
import os
import platform
import queue
import socket
import subprocess
import threading
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16",
         "asimddp", "i8mm")
PACKAGES = ("torch", "transformers", "datasets", "accelerate", "peft", "timm", "optimum", "optimum-onnx", "onnxruntime",
            "tokenizers", "numpy", "pyarrow", "pillow", "scikit-learn")
PROBE_SECONDS = 3.0


@functools.cache
def hub_reachable() -> bool:
    """Whether the Hugging Face Hub (or the endpoint in HF_ENDPOINT) accepts a connection within three seconds.

    Where a proxy is set for it, the proxy is asked. The limit holds for name look-up and all addresses together; that
    of `socket.create_connection` is for each of them.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    url = urlsplit(_proxied(os.environ.get("HF_ENDPOINT", "https://huggingface.co")))
    port = url.port or (443 if url.scheme == "https" else 80)
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def probe() -> None:
        try:
            socket.create_connection((url.hostname or "", port), timeout=PROBE_SECONDS).close()
        except OSError:
            answers.put(False)
        else:
            answers.put(True)

    threading.Thread(target=probe, daemon=True).start()
    try:
        return answers.get(timeout=PROBE_SECONDS)
    except queue.Empty:
        return False


def _proxied(address: str) -> str:
    """The address that a client connects to: the proxy's where the environment names one."""
    url = urlsplit(address)
    proxy = getproxies().get(url.scheme)
    return address if proxy is None or proxy_bypass(url.hostname or "") else proxy


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> dict[str, Any]:
    """Processor, cores, memory in GiB and the instruction sets that decide about int8 and bf16."""
    lines = _read("/proc/cpuinfo").splitlines()
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    known = set((fields.get("flags") or fields.get("Features") or "").split())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": fields.get("model name", platform.processor() or platform.machine()),
        "cores": cores(),
        "memory_gib": round(memory, 1),
        "flags": [flag for flag in FLAGS if flag in known],
        "python": platform.python_version(),
    }


def accelerators() -> list[str]:
    """Name, memory and driver of every NVIDIA device as the driver tells them; nothing heavy is loaded."""
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    fields = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.count(",") == 2]
    return [f"{name}, {memory}, driver {driver}" for name, memory, driver in fields]


def versions() -> dict[str, str]:
    """Installed versions of the packages that decide about a result."""
    found = {"finetune": metadata.version("finetune-recipes")} if _installed("finetune-recipes") else {}
    return found | {name: metadata.version(name) for name in PACKAGES if _installed(name)}


def commit(folder: Path | None = None) -> str | None:
    """The commit of a working copy (the current folder's by default), `+` where it has changes; None outside of one."""
    try:
        head = subprocess.run(["git", "describe", "--always", "--dirty=+", "--abbrev=12"], capture_output=True,
                              text=True, timeout=10, check=True, cwd=folder)
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() or None


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _read(file: str) -> str:
    return Path(file).read_text(errors="replace") if Path(file).is_file() else ""
