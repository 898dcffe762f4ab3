// How long a synthetic model takes to write, to the disk and synchronised, and its rate.
//   bench/synthetic_write FILE [shape] [type]
#include <fmt/format.h>

#include <cstdio>

#include "catalogue/catalogue.h"
#include "os/os.h"

namespace {

using namespace assay;

Result<void> run(const std::string& path, const char* shape_name, const char* type_name) {
  ASSIGN_OR_RETURN(const ModelShape* shape, find_model_shape(shape_name));
  ASSIGN_OR_RETURN(const SyntheticType* type, find_synthetic_type(type_name));
  SystemClock clock;
  const Nanos begin = clock.now();
  RETURN_IF_ERROR(write_synthetic_model(*shape, *type, 1, path, {}));
  const double wall_s = seconds(clock.now() - begin);
  const auto bytes = static_cast<double>(synthetic_file_bytes(*shape, *type));
  fmt::print("{} {}: {:.2f} GB in {:.1f} s ({:.2f} GB/s), {:.1f} s of CPU time\n", shape_name, type_name,
             bytes / 1e9, wall_s, bytes / 1e9 / wall_s, seconds(clock.cpu_time()));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) return 2;
  const auto result = run(argv[1], argc > 2 ? argv[2] : "llama-3.1-8b", argc > 3 ? argv[3] : "q4_k");
  if (!result) std::fprintf(stderr, "%s\n", result.error().message().c_str());
  return result ? 0 : 1;
}
