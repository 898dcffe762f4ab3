// Runs a fuzzer's function over every file of its corpus, so that past findings are tested without libFuzzer:
// replay NAME FOLDER.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#define FUZZER(name) extern "C" int fuzz_##name(const uint8_t* data, size_t size);
#include "fuzzers.inc"
#undef FUZZER

namespace {

struct Fuzzer {
  std::string_view name;
  int (*run)(const uint8_t* data, size_t size);
};

constexpr Fuzzer kFuzzers[] = {
#define FUZZER(name) {#name, fuzz_##name},
#include "fuzzers.inc"
#undef FUZZER
};

size_t replay(const Fuzzer& fuzzer, const char* folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    fuzzer.run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: replay NAME FOLDER\n", stderr);
    return 2;
  }
  for (const Fuzzer& fuzzer : kFuzzers) {
    if (fuzzer.name != argv[1]) continue;
    const size_t count = replay(fuzzer, argv[2]);
    std::printf("%zu inputs\n", count);
    return count > 0 ? 0 : 1;
  }
  std::fprintf(stderr, "replay: there is no fuzzer '%s'\n", argv[1]);
  return 2;
}
