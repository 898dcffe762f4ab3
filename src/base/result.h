// Result and Error: how an operating failure (file, network, foreign input) travels to the one place that
// prints it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace assay {

// What failed, where, and what the reader can do about it. `where` is a path, a URL or "file:line:column";
// `remedy` is a sentence in the imperative. Both may be empty, `what` never is.
struct Error {
  // Compiled once, in result.cc, and not at every failure that is passed on.
  Error();
  Error(std::string what, std::string_view where = {}, std::string_view remedy = {});
  Error(const Error& other);
  Error(Error&& other) noexcept;
  Error& operator=(const Error& other);
  Error& operator=(Error&& other) noexcept;
  ~Error();

  std::string what;
  std::string where;
  std::string remedy;

  // One message for people: "WHERE: WHAT\n  REMEDY".
  std::string message() const;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

std::unexpected<Error> fail(std::string what, std::string_view where = {}, std::string_view remedy = {});

// errno as words ("No space left on device"); `number` is an errno value. Thread-safe.
std::string errno_text(int number);

}  // namespace assay

#define ASSAY_CONCAT_(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_(a, b)

// Returns the error of `expr` (a Result) from the calling function, or goes on.
#define RETURN_IF_ERROR(expr)                                                     \
  do {                                                                            \
    auto assay_result_ = (expr);                                                  \
    if (!assay_result_) return std::unexpected(std::move(assay_result_).error()); \
  } while (false)

// ASSIGN_OR_RETURN(auto x, f()): `x` is the value of f(), or the calling function returns f()'s error.
#define ASSIGN_OR_RETURN(lhs, expr) ASSAY_ASSIGN_OR_RETURN_(ASSAY_CONCAT(assay_result_, __LINE__), lhs, expr)
#define ASSAY_ASSIGN_OR_RETURN_(tmp, lhs, expr)             \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  lhs = std::move(*tmp)
