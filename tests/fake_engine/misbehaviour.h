// How a fake model misbehaves, as its name says: "fake:abort-after=3" and so on. Any other name behaves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class Misbehaviour {
 public:
  // Of a model's path or name; what stands before "fake:" does not count.
  explicit Misbehaviour(std::string_view model);

  // die-on-load: says why on stderr and exits with 3. slow-load: waits until it is killed.
  void on_load() const;
  // Called once a token or record. abort-after=N aborts at the N+1st, leak takes 16 MiB for good each time.
  void on_work();
  // hang-after=N: from then on nothing more is said.
  bool is_hung() const { return kind_ == "hang-after" && done_ > limit_; }
  // garbage: what is said is not what was agreed.
  bool is_garbage() const { return kind_ == "garbage"; }
  // too-large: the job "fit" says that there is no room for it, and every job that loads it ends as the
  // kernel ends what takes more memory than there is.
  bool is_too_large() const { return kind_ == "too-large"; }

 private:
  std::string kind_;
  uint64_t limit_ = 0;
  uint64_t done_ = 0;
  std::vector<std::vector<char>> leaked_;
};

}  // namespace assay
