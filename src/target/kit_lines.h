// KitLines: what a kit prints, read line by line under the protocol's limits (docs/formats/kit.md). A kit is
// foreign code: a line that is no good is refused and counted, and only what breaks the protocol as a whole
// ends the reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base.h"

namespace assay {

inline constexpr const char* kKitProtocol = "assay kit 1";

enum class KitLineKind { kHello, kDevice, kRecord, kFinding, kProgress, kAbsent, kDone };

// What a kit says of itself.
struct KitHello {
  std::string name, version;  // the name of letters, digits, '.', '_' and '-'
};

// A line that the protocol allows where it stands. Its members are not looked at, but for those of hello and
// the reason of absent.
struct KitLine {
  KitLineKind kind;
  Json json;
};

struct KitLineLimits {
  size_t line_bytes = 1 << 20;
  size_t bytes = 64 << 20;
  int64_t lines = 100'000;
  int64_t other_lines = 10'000;  // outside the protocol
  int64_t refused = 1000;        // lines and records together
};

// What was refused or passed over, the first of each in words.
struct KitRemarks {
  int64_t refused_lines = 0, refused_records = 0, other_lines = 0;
  std::string refused_line, refused_record, other_line;
};

// Takes a line that was read; an error says why what it holds is refused.
using TakeKitLine = std::function<Result<void>(const KitLine& line)>;

// One thread. Memory: one line, and what is kept of lines outside the protocol.
class KitLines {
 public:
  // `secrets` are hidden in all texts that a line holds, and in what is told of it.
  explicit KitLines(TakeKitLine take, std::vector<std::string> secrets = {}, KitLineLimits limits = {});

  // Bytes of stdout as they come. An error: a limit was passed, or the kit does not speak the protocol;
  // nothing more is to be fed.
  Result<void> feed(std::string_view bytes);
  // The stream has ended; a line without its line feed counts. An error: no hello ever came.
  Result<void> finish();

  const std::optional<KitHello>& hello() const { return hello_; }
  bool is_done() const { return is_done_; }
  bool is_absent() const { return is_absent_; }
  const std::string& absent_reason() const { return absent_reason_; }
  const KitRemarks& remarks() const { return remarks_; }
  const std::string& other_output() const { return other_output_; }  // the first 64 KiB outside the protocol

 private:
  Result<void> take_line(std::string line);
  Result<void> take_other(std::string_view line);
  Result<void> take_hello(const Json& json);
  Result<void> take_known(const KitLine& line);
  Result<void> refuse_line(std::string_view line, const std::string& why);
  Result<void> check_refused() const;
  // Why a line of this kind may not stand here; "" if it may.
  std::string out_of_place(KitLineKind kind) const;

  TakeKitLine take_;
  std::vector<std::string> secrets_;
  KitLineLimits limits_;
  std::string pending_;  // the beginning of a line
  size_t bytes_ = 0;
  int64_t lines_ = 0;
  std::optional<KitHello> hello_;
  bool has_device_ = false, has_record_ = false, is_done_ = false, is_absent_ = false;
  std::string absent_reason_;
  KitRemarks remarks_;
  std::string other_output_;
};

}  // namespace assay
