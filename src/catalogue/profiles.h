// Profiles: what the software stack of a vendor consists of, one file a vendor in data/profiles: its PCI
// vendor ids, libraries, tools, Python packages, and what it offers by capability, with sources. "Not
// installed here" and "the vendor has none" are different answers, and only the second needs a source.
// docs/formats/profiles.md is the contract of the files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

enum class Capability {
  kCompiler,
  kProfiler,
  kDebugger,
  kManagementLibrary,
  kCollectives,
  kContainerRuntime,
  kKubernetesPlugin
};
inline constexpr size_t kCapabilities = 7;
std::string_view name_of(Capability);  // "management library"
std::optional<Capability> capability_named(std::string_view);

// A shared library by which a stack is known.
struct ProfileLibrary {
  std::string name;                      // without version: "libixml.so"
  std::string role;                      // "device management", "BLAS", "collectives"
  std::optional<Capability> capability;  // that it is part of
  bool is_nvml = false;                  // exports NVML's functions, and may be asked by them
  std::string clone_of;      // id of the profile whose interface it bears under the same name; "" its own
  std::string version_text;  // stands before its version in its strings: "NCCL version "; "" not known
  std::string proof;  // must be among its symbols, where others have a library of that name; "": need not
};

struct ProfileTool {
  std::string name;  // of the program: "ixsmi"
  std::string role;  // "device management"
  std::optional<Capability> capability;
  std::string version_flag = "--version";  // what it takes to tell its version; "": it tells none
  bool only_in_roots = false;  // a name that others have, too: this vendor's only in folders of its stack
};

struct ProfilePackage {
  std::string name;    // of the Python distribution: "torch_npu"
  std::string module;  // to import: "torch_npu"
  std::string role;    // "PyTorch plug-in", "fork of vLLM"
};

// What the vendor is known to offer; independent of this machine.
struct ProfileCapability {
  Capability capability{};
  bool exists = false;  // false: the vendor has none, which needs a source as much as that it has
  std::string what;     // "Nsight Systems (nsys), Nsight Compute (ncu)"
  std::string source, date;
};

// Where what a profile says of libraries, tools, folders and names is from.
struct ProfileSource {
  std::string source, date;
};

struct VendorProfile {
  std::string id;           // "iluvatar": the name of its file
  bool is_neutral = false;  // no vendor's: what many share (OpenCL, docker, PyTorch), without capabilities
  std::string name;         // "Iluvatar CoreX"
  std::vector<uint16_t> pci_vendors;
  std::vector<std::string> drivers;         // kernel modules: "iluvatar"
  std::vector<std::string> roots;           // folders of the stack: "/usr/local/corex"; each may end in "*"
  std::vector<std::string> device_nodes;    // "/dev/iluvatar*"
  std::string torch_device;                 // "cuda", "musa", "npu" …; "" unknown
  std::string visible_devices;              // environment variable
  std::string kubernetes_resource;          // "nvidia.com/gpu"; may end in "*"; "" unknown
  std::vector<std::string> plugin_sockets;  // of its device plug-in, below kubelet's folder; may end in "*"
  std::vector<std::string> marks;  // what only this vendor's libraries name, compared without case: "ixrt"
  std::vector<std::string> version_tags;   // begin a local version of its Python builds: "corex", "rocm"
  std::vector<std::string> version_files;  // that tell the version of the stack; each may have a "*"
  std::vector<ProfileLibrary> libraries;
  std::vector<ProfileTool> tools;
  std::vector<ProfilePackage> packages;
  std::vector<ProfileCapability> capabilities;  // a capability that is not there: unknown
  std::vector<ProfileSource> sources;
  std::string file;  // "data/profiles/iluvatar.toml"

  const ProfileCapability* find(Capability capability) const;  // null: unknown
};

// Immutable once made; any thread.
class ProfileCatalogue {
 public:
  // What the program was built with. Never fails in a program whose tests pass.
  static const ProfileCatalogue& built_in();
  // Errors are all of one file's, one a line, each file:line:column, at most 20: an unknown key, a capability
  // without source or date, an id that is not the file's name.
  static Result<VendorProfile> parse(std::string_view text, std::string_view path);
  // Fails where two share an id or a PCI vendor, or a clone's original is not there.
  static Result<ProfileCatalogue> make(std::vector<VendorProfile> profiles);

  std::span<const VendorProfile> profiles() const { return profiles_; }  // by id
  const VendorProfile* find(std::string_view id) const;
  const VendorProfile* by_pci_vendor(uint16_t vendor) const;

 private:
  std::vector<VendorProfile> profiles_;
};

}  // namespace assay
