// LaunchPlan: with which loader, C library and C++ run-time the bundle's program is started on this host.
// docs/decisions/0014 says why so.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

// What the plan is made from beside the files of bundle and host.
struct LaunchHost {
  std::string root;          // put before every absolute path that is looked at; "" but in tests
  std::string library_path;  // LD_LIBRARY_PATH, which the loader would forget; "" if unset
  std::string choice;        // ASSAY_LOADER: "" by the versions, "bundle" or "host" always that one
};

struct LaunchPlan {
  // Whole commands, the first word the file to execute: the next is tried if one cannot be executed.
  std::vector<std::vector<std::string>> commands;
  std::string error;  // what, where and what to do, if there is no command
};

// Where things lie in the unpacked bundle, from its own folder.
inline constexpr std::string_view kBundleLauncher = "assay";
inline constexpr std::string_view kBundleProgram = "lib/assay";
inline constexpr std::string_view kBundleLibraries = "lib";
inline constexpr std::string_view kBundleCLibrary = "lib/c";  // with the loader

// `bundle` is the folder of the launcher, an absolute path; `arguments` are those behind the program's name.
// Reads files and executes nothing.
LaunchPlan plan_launch(const std::string& bundle, const LaunchHost& host,
                       std::span<const std::string> arguments);

}  // namespace assay
