"""The load generators that are compared: a file and a row each."""
from .aiperf import Aiperf
from .assay import Assay
from .bare import Bare
from .base import Job, Reading, Tool
from .guidellm import Guidellm
from .inference_perf import InferencePerf
from .vllm import Vllm

# The first is what the others are held against.
TOOLS = (Assay, Bare, Vllm, Aiperf, Guidellm, InferencePerf)

__all__ = ["TOOLS", "Job", "Reading", "Tool"]
