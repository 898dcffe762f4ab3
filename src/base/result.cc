// Words for errors.
#include "base/result.h"

#include <system_error>

namespace assay {

std::string Error::message() const {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!remedy.empty()) text += "\n  " + remedy;
  return text;
}

std::string errno_text(int number) {
  return std::generic_category().message(number);
}

}  // namespace assay
