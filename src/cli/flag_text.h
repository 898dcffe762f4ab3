// FlagText: the text of a scenario that a command makes of its flags, with what each flag made of it. An
// error in such a text is told of the flag: nobody has seen the line that it became.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "scenario/scenario.h"

namespace assay {

// The flag as it was typed: "--input-len abc"; "--model ''". `value`: that part of it which is meant.
std::string typed_flag(std::string_view flag, std::string_view value);
std::string typed_flag(const ParsedOptions& options, const char* flag);

class FlagText {
 public:
  // Text of no flag: it stands there whatever was typed.
  void add(std::string_view text) { add(text, ""); }
  // Text that is made of `flag`, as typed_flag has it. A key that errors may begin with comes first in it.
  void add(std::string_view text, std::string_view flag);
  void add(const FlagText& other);

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

  // An error of parse_scenario about this text, told of flags: where is the flag ("" where none made the
  // place), and keys in what is said are the flags that make them.
  Error told_of_flags(TomlPosition at, Error error) const;

 private:
  struct Piece {
    size_t begin;  // in text_; it ends where the next begins
    std::string flag;
  };
  const Piece* piece_at(TomlPosition at) const;
  std::string_view key_of(const Piece& piece) const;

  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace assay
