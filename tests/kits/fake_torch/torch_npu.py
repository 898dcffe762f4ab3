"""The plug-in of a vendor: registers the device string npu."""
import os

import torch

if "broken-plug-in" in os.environ.get("FAKE_TORCH", ""):
    raise ImportError("undefined symbol: aclrtSetDevice")
if os.environ.get("FAKE_TORCH", "").startswith("npu"):
    torch._register("npu")
