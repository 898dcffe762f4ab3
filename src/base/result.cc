// Words for errors.
#include "base/result.h"

#include <system_error>
#include <utility>

namespace assay {

Error::Error() = default;
Error::Error(std::string what_failed, std::string_view where_it_did, std::string_view what_to_do)
    : what(std::move(what_failed)), where(where_it_did), remedy(what_to_do) {}
Error::Error(const Error& other) = default;
Error::Error(Error&& other) noexcept = default;
Error& Error::operator=(const Error& other) = default;
Error& Error::operator=(Error&& other) noexcept = default;
Error::~Error() = default;

std::string Error::message() const {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!remedy.empty()) text += "\n  " + remedy;
  return text;
}

std::unexpected<Error> fail(std::string what, std::string_view where, std::string_view remedy) {
  return std::unexpected(Error(std::move(what), where, remedy));
}

std::string errno_text(int number) {
  return std::generic_category().message(number);
}

}  // namespace assay
