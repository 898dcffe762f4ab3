// The job "roofline": what the kernels of ggml get out of one device. Memory bandwidth, matrix
// multiplication, attention, launch overhead and transfers, each warmed up and repeated until its interval is
// narrow or its share of the time is used. Sizes rise until the rate no longer does, or until one repetition
// would take too long on this device.
#include <fmt/format.h>
#include <ggml.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/backends.h"
#include "engine/job.h"
#include "engine/roofline_device.h"
#include "engine/roofline_kernels.h"
#include "measure/measure.h"

namespace assay {
namespace {

constexpr double kMaxRepetitionS = 0.2;
constexpr double kLongEnoughS = 1e-3;  // below, several instances go into one graph
constexpr int kMaxInstances = 32;
constexpr double kOverrun = 1.1;    // of the time in all, before kernels are left out
constexpr double kPlateau = 1.03;   // a rate that rises by less has arrived
constexpr double kRamPerCache = 4;  // working sets so many times the last cache lie in memory
// A device below this is software, which compiles attention's large kernel for half a minute.
constexpr double kSlowTflopPerS = 0.025;
constexpr int64_t kMiB = 1 << 20;

// The share of the time for each part.
constexpr double kLaunchShare = 0.03, kTransferShare = 0.10, kBandwidthShare = 0.25, kMatmulShare = 0.47,
                 kAttentionShare = 0.15;

struct RooflineOptions {
  std::string device;
  int threads = 0;
  std::vector<ggml_type> types;
  double max_duration_s = 40;
  double relative_interval = 0.02;
};

// Types that quantise without data of their own; the others make no weights here.
bool can_be_weights(ggml_type type) {
  return (ggml_is_quantized(type) && !ggml_quantize_requires_imatrix(type) && type != GGML_TYPE_Q8_1 &&
          type != GGML_TYPE_Q8_K) ||
         type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16;
}

Result<RooflineOptions> read_roofline_options(const JobContext& context) {
  RooflineOptions options;
  ASSIGN_OR_RETURN(options.device, context.required_text("device"));
  ASSIGN_OR_RETURN(const int64_t threads, context.integer("threads", 0, 0, 4096));
  options.threads = static_cast<int>(threads);
  ASSIGN_OR_RETURN(options.max_duration_s, context.number("max_duration_s", 40, 0.1, 86'400));
  ASSIGN_OR_RETURN(options.relative_interval, context.number("relative_interval", 0.02, 1e-4, 1));
  for (const Json& item : context.parameters["types"].items()) {
    ASSIGN_OR_RETURN(const ggml_type type, find_type(item.as_string()));
    if (!can_be_weights(type))
      return fail(fmt::format("no weights of type {} can be made", ggml_type_name(type)), "job");
    options.types.push_back(type);
  }
  if (options.types.empty()) options.types = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0};
  return options;
}

class RooflineJob {
 public:
  RooflineJob(JobContext& context, const RooflineOptions& options, const RooflineDevice& device)
      : context_(context), options_(options), device_(device), start_(context.clock.now()) {}

  Result<void> run();

 private:
  struct Measured {
    double seconds = 0;  // of one instance
    double rate = 0;     // in the metric's unit
  };
  // Each ends by its own deadline, an instant of the clock.
  Result<void> launch(Nanos deadline);
  Result<void> transfers(Nanos deadline);
  Result<void> bandwidth(Nanos deadline);
  Result<void> matmuls(Nanos deadline);
  Result<void> matmul(ggml_type type, Nanos deadline);
  Result<void> matrix_vector(ggml_type type, double s_per_flop, Nanos deadline);
  Result<void> attention(Nanos deadline);

  // Nothing if the device cannot do it or has no room, which becomes a finding.
  // Out of time, only what is essential is still measured.
  Result<std::optional<Measured>> measure(const Kernel& kernel, Nanos deadline, bool is_essential = false);
  Result<void> transfer(int64_t bytes, bool is_pinned, Nanos deadline);
  Result<double> timed(KernelRun& run);
  void report(const Kernel& kernel, const Repetitions& repetitions, const std::vector<double>& samples_s,
              double work, std::string_view weights_buffer);
  void cannot(const Kernel& kernel, KernelRun::Problem problem);
  void progress(std::string_view status);

  Nanos now() const { return context_.clock.now(); }
  bool is_out_of_time() const { return seconds(now() - start_) > kOverrun * options_.max_duration_s; }
  // The instant at which a share of what is left until `deadline` is used up.
  Nanos slot(Nanos deadline, double parts) const {
    return now() + Nanos(std::max<int64_t>(
                       0, static_cast<int64_t>(static_cast<double>((deadline - now()).count) / parts)));
  }
  Repetitions repetitions_until(Nanos deadline) const {
    RepetitionRule rule;
    rule.relative_half_width = options_.relative_interval;
    rule.max_total_s = std::max(0.0, seconds(deadline - now()));
    return Repetitions(rule);
  }
  // The longest repetition that still leaves room for enough of them.
  double longest_s(Nanos deadline) const { return std::min(kMaxRepetitionS, seconds(deadline - now()) / 8); }

  JobContext& context_;
  const RooflineOptions& options_;
  const RooflineDevice& device_;
  Nanos start_;
  std::set<std::string> reported_;  // findings that were made
  int left_out_ = 0;                // kernels for which there was no time
  double best_matmul_tflop_per_s_ = 0;
};

Result<void> RooflineJob::run() {
  double used = 0;
  const auto part = [&](double share, Result<void> (RooflineJob::*function)(Nanos)) {
    used += share;
    return (this->*function)(start_ + nanos_from_seconds(used * options_.max_duration_s));
  };
  RETURN_IF_ERROR(part(kLaunchShare, &RooflineJob::launch));
  RETURN_IF_ERROR(part(kBandwidthShare, &RooflineJob::bandwidth));
  RETURN_IF_ERROR(part(kMatmulShare, &RooflineJob::matmuls));
  RETURN_IF_ERROR(part(kAttentionShare, &RooflineJob::attention));
  RETURN_IF_ERROR(part(kTransferShare, &RooflineJob::transfers));
  if (left_out_ > 0) {
    context_.out.finding("note", "roofline.out-of-time",
                         fmt::format("On {} {} left out: the time for all, {}, was over "
                                     "(roofline.max_duration_s; --quick cuts it short).",
                                     options_.device, counted(left_out_, "kernel was", "kernels were"),
                                     format_duration(options_.max_duration_s)),
                         Json::object().set("left_out", left_out_));
  }
  return {};
}

void RooflineJob::progress(std::string_view status) {
  const double share = seconds(now() - start_) / options_.max_duration_s;
  context_.out.progress(std::min(1.0, share), status);
}

void RooflineJob::cannot(const Kernel& kernel, KernelRun::Problem problem) {
  const std::string name =
      fmt::format("{} {}", kernel.conditions["kernel"].as_string(), kernel.conditions["dtype"].as_string());
  if (!reported_.insert(name).second) return;
  const bool is_memory = problem == KernelRun::Problem::kNoMemory;
  context_.out.finding("note", is_memory ? "roofline.no-memory" : "roofline.not-supported",
                       fmt::format("{} {} the kernel {}.", options_.device,
                                   is_memory ? "has no memory for" : "does not support", trim(name)),
                       kernel.conditions);
}

Result<double> RooflineJob::timed(KernelRun& run) {
  const Nanos begin = now();
  if (!run.compute())
    return fail("the device failed to compute a graph", options_.device, "See the worker's diagnostics.");
  return std::max(1e-9, seconds(now() - begin));
}

Result<std::optional<RooflineJob::Measured>> RooflineJob::measure(const Kernel& kernel, Nanos deadline,
                                                                  bool is_essential) {
  if (is_out_of_time() && !is_essential) return ++left_out_, std::optional<Measured>();
  KernelRun::Problem problem{};
  std::optional<KernelRun> run = KernelRun::make(device_, kernel, 1, problem);
  if (!run) return cannot(kernel, problem), std::optional<Measured>();
  RETURN_IF_ERROR(timed(*run));  // compiles kernels, fills caches
  ASSIGN_OR_RETURN(const double once_s, timed(*run));
  int instances = 1;
  if (once_s < kLongEnoughS && kernel.metric != "launch_overhead_us") {
    instances = std::clamp(static_cast<int>(kLongEnoughS / once_s), 1, kMaxInstances);
  }
  Repetitions repetitions = repetitions_until(deadline);
  std::vector<double> samples_s;
  if (instances > 1) {
    run = KernelRun::make(device_, kernel, instances, problem);
    if (!run) return cannot(kernel, problem), std::optional<Measured>();
    RETURN_IF_ERROR(timed(*run));
  } else {
    samples_s.push_back(once_s);
    repetitions.add(once_s);
  }
  while (samples_s.empty() || !repetitions.done()) {
    ASSIGN_OR_RETURN(const double took_s, timed(*run));
    repetitions.add(took_s);
    samples_s.push_back(took_s);
  }
  const bool is_bandwidth = kernel.metric == "memory_bandwidth_gb_per_s";
  const double work = instances * (is_bandwidth ? kernel.bytes / 1e9 : kernel.flop / 1e12);
  Kernel described = kernel;
  if (instances > 1) described.method += fmt::format("; {} instances a graph", instances);
  report(described, repetitions, samples_s, work, run->weights_buffer());
  const double median_s = *repetitions.median().value;
  return std::optional(Measured{median_s / instances, work / median_s});
}

// Rates are inverted times: the interval turns round.
void RooflineJob::report(const Kernel& kernel, const Repetitions& repetitions,
                         const std::vector<double>& samples_s, double work, std::string_view weights_buffer) {
  const Estimate time = repetitions.median();
  const bool is_time = work == 0;
  const auto converted = [&](double s) { return is_time ? s * 1e6 : work / s; };
  MeasuredRecord record{.metric = kernel.metric, .value = converted(*time.value)};
  record.unit = is_time ? "µs" : kernel.metric.ends_with("tflop_per_s") ? "TFLOP/s" : "GB/s";
  record.method =
      fmt::format("{}; median of {} after warming up", kernel.method, counted(time.n, "repetition"));
  record.conditions = kernel.conditions;
  record.conditions.set("device", options_.device).set("kernels_of", "ggml");
  if (device_.is_cpu()) record.conditions.set("threads", device_.threads());
  if (kernel.bytes > 0) record.conditions.set("flop_per_byte", kernel.flop / kernel.bytes);
  if (!weights_buffer.empty()) record.conditions.set("weights_buffer", weights_buffer);
  for (const double s : samples_s) record.samples.push_back(converted(s));
  if (time.low && time.high) {
    record.ci_low = converted(is_time ? *time.low : *time.high);
    record.ci_high = converted(is_time ? *time.high : *time.low);
    record.confidence = time.confidence;
  }
  context_.out.record(record);
  progress(fmt::format("{} {} {} {}", kernel.conditions["kernel"].as_string(),
                       kernel.conditions["dtype"].as_string(), format_number(record.value), record.unit));
}

Result<void> RooflineJob::launch(Nanos deadline) {
  RETURN_IF_ERROR(measure(trivial_kernel(), deadline));
  return {};
}

Result<void> RooflineJob::bandwidth(Nanos deadline) {
  const auto ram = static_cast<int64_t>(kRamPerCache * static_cast<double>(device_.last_cache_bytes()));
  std::vector<int64_t> sizes = {kMiB / 4, 2 * kMiB, 16 * kMiB, ram, 2 * ram};
  std::erase_if(sizes, [&](int64_t size) { return size > device_.free_bytes() / 4; });
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  double parts = 2.0 * static_cast<double>(sizes.size());
  for (Kernel (*make)(int64_t) : {copy_kernel, triad_kernel}) {
    double s_per_byte = 0;
    for (const int64_t size : sizes) {
      const Nanos end = slot(deadline, parts--);
      // The first size in memory is always measured: the bandwidth of caches is not what a roofline rests on.
      const bool is_too_long = s_per_byte * static_cast<double>(size) > longest_s(end) && size != ram;
      if (is_too_long) continue;
      Kernel kernel = make(size);
      kernel.conditions.set("memory", size >= ram ? "ram" : "cache");
      ASSIGN_OR_RETURN(const auto measured, measure(kernel, end, size == ram && make == copy_kernel));
      if (!measured) break;
      s_per_byte = measured->seconds / static_cast<double>(size);
    }
  }
  return {};
}

Result<void> RooflineJob::matmuls(Nanos deadline) {
  auto parts = static_cast<double>(options_.types.size());
  for (const ggml_type type : options_.types) RETURN_IF_ERROR(matmul(type, slot(deadline, parts--)));
  return {};
}

Result<void> RooflineJob::matmul(ggml_type type, Nanos deadline) {
  constexpr int64_t kSmallest = 256, kLargest = 8192;
  double best = 0, s_per_flop = 0;
  const bool is_first = type == options_.types.front();
  for (int64_t size = kSmallest; size <= kLargest; size *= 2) {
    const Kernel kernel = matmul_kernel(type, size, size, size);
    const bool is_too_long = size > kSmallest && kernel.flop * s_per_flop > longest_s(deadline);
    const bool is_too_large = static_cast<int64_t>(kernel.bytes) > device_.free_bytes() / 4;
    if (is_too_long || is_too_large) break;
    ASSIGN_OR_RETURN(const auto measured, measure(kernel, slot(deadline, 3), is_first && size == kSmallest));
    if (!measured) return {};
    s_per_flop = measured->seconds / kernel.flop;
    const bool is_flat = measured->rate < best * kPlateau && size >= 8 * kSmallest;
    best = std::max(best, measured->rate);
    if (is_flat) break;
  }
  best_matmul_tflop_per_s_ = std::max(best_matmul_tflop_per_s_, best);
  return matrix_vector(type, s_per_flop, deadline);
}

// One token's worth, as decoding does it: weights that no cache holds, each read once.
Result<void> RooflineJob::matrix_vector(ggml_type type, double s_per_flop, Nanos deadline) {
  int64_t size = 4096;
  // A slow device reads no faster than it computes a whole product: smaller weights, until one is quick.
  while (size > 512 && 2.0 * static_cast<double>(size * size) * s_per_flop > longest_s(deadline)) size /= 2;
  const auto bytes = static_cast<double>(ggml_row_size(type, size)) * static_cast<double>(size);
  const auto wanted = kRamPerCache / 2 * static_cast<double>(device_.last_cache_bytes());
  const int matrices = std::clamp(static_cast<int>(std::ceil(wanted / bytes)), 1, 64);
  Kernel kernel = matmul_kernel(type, size, 1, size, matrices);
  kernel.conditions.set("weights_bytes", static_cast<int64_t>(bytes) * matrices);
  if (kernel.bytes > static_cast<double>(device_.free_bytes()) / 4) return {};
  RETURN_IF_ERROR(measure(kernel, deadline));
  return {};
}

Result<void> RooflineJob::attention(Nanos deadline) {
  if (best_matmul_tflop_per_s_ < kSlowTflopPerS) return ++left_out_, Result<void>();
  constexpr int64_t kHeads = 32, kKvHeads = 8, kHeadSize = 128;  // as Llama 3.1 8B
  double s_per_flop = 0;
  double parts = 4;
  for (const int64_t tokens : {64, 256, 1024}) {
    const Kernel kernel = attention_kernel(kHeads, kKvHeads, kHeadSize, tokens, tokens);
    if (s_per_flop > 0 && kernel.flop * s_per_flop > longest_s(deadline)) break;
    ASSIGN_OR_RETURN(const auto measured, measure(kernel, slot(deadline, parts--)));
    if (!measured) return {};
    s_per_flop = measured->seconds / kernel.flop;
  }
  const Kernel decode = attention_kernel(kHeads, kKvHeads, kHeadSize, 1, 4096);
  if (decode.flop * s_per_flop <= longest_s(deadline)) RETURN_IF_ERROR(measure(decode, deadline));
  return {};
}

Result<void> RooflineJob::transfers(Nanos deadline) {
  const bool has_pinned = !device_.is_cpu() && ggml_backend_dev_host_buffer_type(device_.device()) != nullptr;
  double parts = has_pinned ? 4 : 2;
  for (const int64_t bytes : {kMiB, 64 * kMiB}) {
    RETURN_IF_ERROR(transfer(bytes, false, slot(deadline, parts--)));
    if (has_pinned) RETURN_IF_ERROR(transfer(bytes, true, slot(deadline, parts--)));
  }
  return {};
}

Result<void> RooflineJob::transfer(int64_t bytes, bool is_pinned, Nanos deadline) {
  if (is_out_of_time()) return ++left_out_, Result<void>();
  const ggml_init_params parameters{ggml_tensor_overhead() * 2, nullptr, true};
  const ggml_context_ptr context(ggml_init(parameters));
  ggml_tensor* tensor = ggml_new_tensor_1d(context.get(), GGML_TYPE_I8, bytes);
  const ggml_backend_buffer_ptr memory(ggml_backend_alloc_ctx_tensors(context.get(), device_.backend()));
  ggml_backend_buffer_ptr pinned;
  if (is_pinned) {
    pinned.reset(ggml_backend_buft_alloc_buffer(ggml_backend_dev_host_buffer_type(device_.device()),
                                                static_cast<size_t>(bytes)));
  }
  if (memory == nullptr || (is_pinned && pinned == nullptr)) return {};
  std::vector<uint8_t> pageable(is_pinned ? 0 : static_cast<size_t>(bytes), 1);
  void* host = is_pinned ? ggml_backend_buffer_get_base(pinned.get()) : pageable.data();
  for (const bool is_upload : {true, false}) {
    Kernel kernel{.metric = is_upload ? "host_to_device_gb_per_s" : "device_to_host_gb_per_s"};
    kernel.method = is_upload ? "ggml_backend_tensor_set" : "ggml_backend_tensor_get";
    kernel.conditions.set("kernel", is_upload ? "upload" : "download").set("size_bytes", bytes);
    kernel.conditions.set("host_memory", is_pinned ? "pinned" : "pageable");
    const auto move = [&] {
      const Nanos begin = now();
      if (is_upload) ggml_backend_tensor_set(tensor, host, 0, static_cast<size_t>(bytes));
      if (!is_upload) ggml_backend_tensor_get(tensor, host, 0, static_cast<size_t>(bytes));
      ggml_backend_synchronize(device_.backend());
      return std::max(1e-9, seconds(now() - begin));
    };
    move(), move();
    Repetitions repetitions = repetitions_until(is_upload ? slot(deadline, 2) : deadline);
    std::vector<double> samples_s;
    do {
      samples_s.push_back(move());
      repetitions.add(samples_s.back());
    } while (!repetitions.done());
    report(kernel, repetitions, samples_s, static_cast<double>(bytes) / 1e9, "");
  }
  return {};
}

}  // namespace

Result<void> run_roofline_job(JobContext& context) {
  ASSIGN_OR_RETURN(const RooflineOptions options, read_roofline_options(context));
  ASSIGN_OR_RETURN(const auto device, RooflineDevice::open(options.device, options.threads));
  return RooflineJob(context, options, *device).run();
}

}  // namespace assay
