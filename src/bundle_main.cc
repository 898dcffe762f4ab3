// The bundle's launcher, `assay` at its top: static, so that it runs where there is no C library or an old
// one. It becomes the program, under the loader that src/bundle chooses. The environment is left as it is:
// what the program starts must find the host's libraries, not the bundle's.
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bundle/bundle.h"

extern char** environ;

namespace {

constexpr int kCouldNotRun = 2;

// The launcher's own file, links followed; without /proc by the path that it was executed by.
std::string own_path() {
  char path[PATH_MAX];
  if (::realpath("/proc/self/exe", path) != nullptr) return path;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives it as a number.
  const auto* executed = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return executed != nullptr && ::realpath(executed, path) != nullptr ? path : "";
}

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

int fail(const std::string& text) {
  fprintf(stderr, "assay: %s\n", text.c_str());
  return kCouldNotRun;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string self = own_path();
  const size_t slash = self.rfind('/');
  if (slash == std::string::npos)
    return fail("cannot find its own folder. Mount /proc, or start it by its whole path.");
  const assay::LaunchHost host{
      .root = "", .library_path = variable("LD_LIBRARY_PATH"), .choice = variable("ASSAY_LOADER")};
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  assay::LaunchPlan plan = assay::plan_launch(self.substr(0, slash), host, arguments);
  if (!plan.error.empty()) return fail(plan.error);
  std::string why;
  for (std::vector<std::string>& command : plan.commands) {
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    ::execve(words[0], words.data(), environ);
    why = command[0] + ": cannot be executed: " + ::strerror(errno) +
          ". Put the bundle on a file system that allows programs, or unpack the archive again.";
  }
  return fail(why);
}
