// Versions of bundle and host, held against each other; see launch_plan.h.
#include "bundle/launch_plan.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>

#include "bundle/elf_file.h"

// Debian and its kin keep libraries in a folder named for the machine; empty where the compiler knows none.
#ifndef ASSAY_LIBRARY_ARCHITECTURE
#define ASSAY_LIBRARY_ARCHITECTURE ""
#endif

namespace assay {
namespace {

constexpr size_t kMostLibraryFolders = 256;

// Run-time libraries that host and bundle both may have, of which the program and all that it loads share one
// in a process: whoever brings the newer one wins.
struct Runtime {
  const char* file;
  const char* versions;  // how the names of its symbol versions begin
  const char* folder;    // in the bundle
};
constexpr Runtime kRuntimes[] = {
    {"libstdc++.so.6", "GLIBCXX_", "lib/stdc++"},
    {"libgcc_s.so.1", "GCC_", "lib/gcc_s"},
};

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) == nullptr ? "" : resolved;
}

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty() && parts.size() < kMostLibraryFolders) {
    const size_t end = std::min(path.find_first_of(":;"), path.size());
    if (end > 0) parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(path.size(), end + 1));
  }
  return parts;
}

// The version of a library of this machine's kind; nothing if it is none, or names none.
std::optional<SymbolVersion> version_of(const std::string& path, const char* versions, uint16_t machine) {
  const std::optional<ElfFile> file = ElfFile::open(path);
  if (!file || file->machine() != machine) return std::nullopt;
  return file->highest_version(versions);
}

class Planner {
 public:
  Planner(const std::string& bundle, const LaunchHost& host, std::span<const std::string> arguments)
      : bundle_(bundle), host_(host), arguments_(arguments) {}

  LaunchPlan plan() {
    LaunchPlan plan;
    plan.error = read_bundle();
    if (!plan.error.empty()) return plan;
    read_host();
    const bool is_host_wanted = host_.choice == "host";
    if (is_host_wanted && !host_c_) {
      plan.error = host_.root + interpreter_ +
                   ": there is no GNU C library for this machine beside this loader. Unset ASSAY_LOADER.";
      return plan;
    }
    const bool is_host_new_enough = host_c_ && *host_c_ >= *bundle_c_;
    if (is_host_wanted || (is_host_new_enough && host_.choice != "bundle"))
      plan.commands.push_back(command(host_.root + interpreter_, false));
    if (!is_host_wanted) plan.commands.push_back(command(own_loader(), true));
    return plan;
  }

 private:
  std::string in_bundle(std::string_view name) const { return bundle_ + "/" + std::string(name); }
  std::string own_loader() const {
    return in_bundle(kBundleCLibrary) + interpreter_.substr(interpreter_.rfind('/'));
  }

  // Empty if all is well.
  std::string read_bundle() {
    if (!host_.choice.empty() && host_.choice != "host" && host_.choice != "bundle")
      return "ASSAY_LOADER: is neither 'bundle' nor 'host'. Unset it, or set it to one of these.";
    // The loader splits its path at these and has no way to write them otherwise.
    if (bundle_.find_first_of(":;$") != std::string::npos)
      return bundle_ + ": no dynamic loader can search a folder with one of : ; $ in its path. Move it.";
    const std::optional<ElfFile> program = ElfFile::open(in_bundle(kBundleProgram));
    if (program) interpreter_ = program->interpreter(), machine_ = program->machine();
    if (!interpreter_.starts_with('/'))
      return in_bundle(kBundleProgram) + ": is not there, or no program. Unpack the whole archive again.";
    bundle_c_ = version_of(in_bundle(kBundleCLibrary) + "/libc.so.6", "GLIBC_", machine_);
    if (!bundle_c_)
      return in_bundle(kBundleCLibrary) + "/libc.so.6: cannot be read. Unpack the whole archive again.";
    return "";
  }

  void read_host() {
    // A C library lies beside the loader that was built with it. A loader alone, as some systems have to tell
    // people what they lack, is none.
    const std::string loader = real_path(host_.root + interpreter_);
    if (loader.empty()) return;
    host_folder_ = folder_of(loader);
    host_c_ = version_of(host_folder_ + "/libc.so.6", "GLIBC_", machine_);
  }

  // Where the host's loader would look for a library, the first place first.
  std::vector<std::string> host_folders() const {
    std::vector<std::string> folders;
    for (const std::string& part : parts_of(host_.library_path)) {
      if (part.starts_with('/')) folders.push_back(host_.root + part);
    }
    folders.push_back(host_folder_);
    for (std::string_view place : {"/lib/" ASSAY_LIBRARY_ARCHITECTURE, "/usr/lib/" ASSAY_LIBRARY_ARCHITECTURE,
                                   "/lib64", "/usr/lib64", "/lib", "/usr/lib"}) {
      folders.push_back(host_.root + std::string(place));
    }
    return folders;
  }

  // Whether the host has a newer one that can be used with this C library. Of the first that a loader would
  // find: a newer one behind it would not be taken either.
  bool host_has_newer(const Runtime& runtime, const SymbolVersion& c_library) const {
    // Without a GNU C library the host's libraries are made for another one.
    if (!host_c_) return false;
    for (const std::string& folder : host_folders()) {
      const std::optional<ElfFile> file = ElfFile::open(folder + "/" + runtime.file);
      if (!file || file->machine() != machine_) continue;
      const auto theirs = file->highest_version(runtime.versions);
      if (!theirs) continue;
      const auto needed = file->highest_needed_version("GLIBC_");
      if (needed && *needed > c_library) return false;
      const std::string ours = in_bundle(runtime.folder) + "/" + runtime.file;
      const auto version = version_of(ours, runtime.versions, machine_);
      return !version || *theirs > *version;
    }
    return false;
  }

  std::string library_path(bool takes_own_c) const {
    std::string path = in_bundle(kBundleLibraries);
    for (const Runtime& runtime : kRuntimes) {
      if (!host_has_newer(runtime, takes_own_c ? *bundle_c_ : *host_c_))
        path += ":" + in_bundle(runtime.folder);
    }
    if (takes_own_c) path += ":" + in_bundle(kBundleCLibrary);
    for (const std::string& part : parts_of(host_.library_path)) path += ":" + part;
    // Our loader reads the host's list of libraries, and by itself looks only where Debian keeps them.
    if (takes_own_c && ::access((host_.root + "/etc/ld.so.cache").c_str(), R_OK) != 0)
      path += ":/lib64:/usr/lib64";
    return path;
  }

  std::vector<std::string> command(const std::string& loader, bool takes_own_c) const {
    std::vector<std::string> words = {loader,    "--library-path",           library_path(takes_own_c),
                                      "--argv0", in_bundle(kBundleLauncher), in_bundle(kBundleProgram)};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    return words;
  }

  const std::string& bundle_;
  const LaunchHost& host_;
  std::span<const std::string> arguments_;
  std::string interpreter_;  // that the program asks for: the host's loader
  uint16_t machine_ = 0;
  std::string host_folder_;
  std::optional<SymbolVersion> bundle_c_, host_c_;
};

}  // namespace

LaunchPlan plan_launch(const std::string& bundle, const LaunchHost& host,
                       std::span<const std::string> arguments) {
  return Planner(bundle, host, arguments).plan();
}

}  // namespace assay
