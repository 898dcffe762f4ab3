// Watching a kit; see kit.h.
#include "target/kit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "target/server_output.h"
#include "target/worker_process.h"

namespace assay {
namespace {

constexpr Nanos kKitLookInterval =
    nanos_from_ms(100);  // how often an interrupt and the kit's end are looked for
constexpr Nanos kEndLookInterval = nanos_from_ms(2);  // the same where its stdout has ended
constexpr const char* kMarkVariable = "ASSAY_KIT_MARK";

// By which processes of this very run of a kit are known, should their keeper be killed.
std::string fresh_mark(Clock& clock) {
  return content_key(fmt::format("{}|{}|{}", ::getpid(), clock.now().count, clock.wall_time()));
}

std::string path_of(const KitCommand& kit) {
  for (const auto& [name, value] : kit.environment) {
    if (name == "PATH") return value;
  }
  return "";
}

// One run, from start to end.
class KitRun {
 public:
  KitRun(const KitCommand& kit, const KitLimits& limits, Clock& clock, const TakeKitLine& take,
         const std::function<bool()>& interrupted)
      : kit_(kit),
        limits_(limits),
        clock_(clock),
        interrupted_(interrupted),
        mark_(fresh_mark(clock)),
        lines_(take, kit.secrets, limits.lines) {}

  KitEnd run() {
    Result<WorkerProcess> started = start();
    if (!started) return {.cause = EndCause::kNotStarted, .error = started.error()};
    process_ = &*started;
    begin_ = heard_at_ = clock_.now();
    watch();
    settle();
    return std::move(end_);
  }

 private:
  Result<WorkerProcess> start() {
    ProcessOptions options{.command = kit_.command, .environment = kit_.environment, .keeps_tree = true};
    options.environment.emplace_back(kMarkVariable, mark_);
    ASSIGN_OR_RETURN(options.command[0], find_program(options.command[0], path_of(kit_)));
    return WorkerProcess::start(options, clock_);
  }

  // Until it has ended, its stdout has, or it is to be ended.
  void watch() {
    while (!process_->out_has_ended() && !process_->poll_end()) {
      const Nanos now = clock_.now();
      if (interrupted_ && interrupted_()) return give_up(EndCause::kInterrupted, "interrupted");
      if (now >= begin_ + limits_.time) {
        return give_up(EndCause::kHung, fmt::format("the kit hung: it did not end within {}",
                                                    format_duration(seconds(limits_.time))));
      }
      if (done_at_ && now >= *done_at_ + limits_.ending)
        return give_up(EndCause::kHung, "the kit hung: it said done and did not end");
      if (!done_at_ && now >= heard_at_ + limits_.silence) {
        return give_up(EndCause::kHung, fmt::format("the kit hung: it said nothing for {}",
                                                    format_duration(seconds(limits_.silence))));
      }
      process_->wait(now + kKitLookInterval);
      if (!take_input()) return;
    }
  }

  // False: the kit was given up.
  bool take_input() {
    if (process_->bytes_heard() != heard_) heard_ = process_->bytes_heard(), heard_at_ = clock_.now();
    const Result<void> taken = lines_.feed(process_->out_input);
    process_->out_input.clear();
    if (!taken) return give_up(EndCause::kNonsense, "the kit talks nonsense: " + taken.error().what), false;
    if (lines_.is_done() && !done_at_) done_at_ = clock_.now();
    return true;
  }

  void give_up(EndCause cause, std::string why) {
    end_.cause = cause;
    end_.error.what = std::move(why);
    process_->end_by(clock_.now());
  }

  // What is left in its pipes when it has ended, or is given the time to.
  void settle() {
    const bool was_given_up = end_.cause != EndCause::kNone;
    ProcessEnd ended;
    if (was_given_up) {
      ended = *process_->poll_end();
    } else {
      const Nanos until = std::min(clock_.now() + limits_.ending, begin_ + limits_.time);
      while (!process_->poll_end() && clock_.now() < until) {
        process_->wait(clock_.now() + kEndLookInterval);
        if (!take_input()) break;
      }
      if (!process_->poll_end())
        give_up(EndCause::kHung, "the kit hung: it closed its stdout and did not end");
      ended = *process_->poll_end();
    }
    const int marked = ended.remains.is_told ? 0 : kill_marked(fmt::format("{}={}", kMarkVariable, mark_));
    end_.remains = ended.remains;
    end_.remains.left_behind += marked;
    end_.remains.escaped += marked;
    if (end_.cause == EndCause::kNone) drain();
    if (end_.cause == EndCause::kNone) judge(ended);
    tell();
  }

  // Somebody whom assay may not kill can still hold the pipes open, and write.
  void drain() {
    const Nanos until = clock_.now() + limits_.ending;
    for (uint64_t before = UINT64_MAX; process_->bytes_heard() != before && clock_.now() < until;) {
      before = process_->bytes_heard();
      process_->wait(clock_.now());
      if (!take_input()) return;
    }
    if (const Result<void> whole = lines_.finish(); !whole && !process_->poll_end()->clean()) {
      return;  // that it ended so explains why it said nothing
    } else if (!whole) {
      end_.cause = EndCause::kNonsense;
      end_.error.what = "the kit talks nonsense: " + whole.error().what;
    }
  }

  void judge(const ProcessEnd& ended) {
    if (ended.clean() && lines_.is_done()) return;
    end_.cause = EndCause::kDied;
    end_.error.what = ended.clean()      ? "the kit ended without done"
                      : lines_.is_done() ? fmt::format("the kit ended with {} behind done", ended.words())
                                         : fmt::format("the kit died: {}", ended.words());
  }

  void tell() {
    end_.hello = lines_.hello();
    end_.is_absent = lines_.is_absent();
    end_.absent_reason = lines_.absent_reason();
    end_.remarks = lines_.remarks();
    end_.other_output = lines_.other_output();
    end_.diagnostics = scrubbed_output(process_->diagnostics(), kit_.secrets);
    if (end_.cause == EndCause::kNone || end_.cause == EndCause::kInterrupted) return;
    std::string words = scrubbed_output(process_->last_words(), kit_.secrets);
    if (!words.empty()) end_.error.what += "." + words;
  }

  const KitCommand& kit_;
  const KitLimits& limits_;
  Clock& clock_;
  const std::function<bool()>& interrupted_;
  const std::string mark_;
  KitLines lines_;
  WorkerProcess* process_ = nullptr;
  Nanos begin_{}, heard_at_{};
  uint64_t heard_ = 0;
  std::optional<Nanos> done_at_;
  KitEnd end_;
};

}  // namespace

KitEnd run_kit(const KitCommand& kit, const KitLimits& limits, Clock& clock, const TakeKitLine& take,
               const std::function<bool()>& interrupted) {
  return KitRun(kit, limits, clock, take, interrupted).run();
}

}  // namespace assay
