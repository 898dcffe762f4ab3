// Terminal: where the command line's words go. Results to stdout, everything else to stderr; colour only
// where it is seen.
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

struct CliEnvironment;

class Terminal {
 public:
  explicit Terminal(const CliEnvironment& environment);

  // Results. An error if stdout is gone or full.
  Result<void> out(std::string_view text);
  // Diagnostics and progress; failures are ignored, since there is nowhere left to tell.
  void err(std::string_view text);

  bool out_colour() const { return out_colour_; }
  bool err_is_live() const { return err_is_live_; }
  int width() const { return width_; }

 private:
  bool out_colour_;
  bool err_is_live_;
  int width_;
};

}  // namespace assay
