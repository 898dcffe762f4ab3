// The rows of the table of kits.
#include "scenario/kits.h"

namespace assay {
namespace {

constexpr KitRow kKits[] = {
    {"torch-roofline", "torch_roofline.py", "roofline", "what kernels get out of the device, through PyTorch",
     "Matrix multiplication in f32, tf32, f16, bf16 and int8, memory bandwidth, attention, launch overhead, transfers between host "
     "and device, and all-reduce where there is more than one device. It finds the device by itself (cuda, musa, npu, xpu, mlu, hpu, cpu; plug-ins "
     "such as torch_npu are imported where they are there), waits for the device around every timing, warms up, and repeats until the interval "
     "is narrow or the time is up. What it cannot do is a finding. Without PyTorch it says absent.\n\n"
     "Parameters: device (a device string, \"cuda:1\"), types (\"f16 bf16\"), largest (of matrices), memory_share (of the device's free "
     "memory that it may take, 0.25), ranks (of all-reduce; 0: one a device)."},
    {"torch-probe", "torch_probe.py", "probe", "what PyTorch is here, and what it says of the devices",
     "Versions, the list of devices with names, memory and capabilities, and which types multiply a small matrix as f64 on the CPU does. "
     "It is run by the exam probe for every target with a kit of assay's own. Without PyTorch it says absent.\n\n"
     "Parameters: device."},
};

}  // namespace

std::span<const KitRow> kits() {
  return kKits;
}

const KitRow* find_kit(std::string_view name) {
  for (const KitRow& row : kKits) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

std::vector<std::string> kit_names() {
  std::vector<std::string> names;
  for (const KitRow& row : kKits) names.emplace_back(row.name);
  return names;
}

}  // namespace assay
