// What the files of os say when a call on a file fails, and the loop around write(2).
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

// "cannot VERB: …" from errno, with what to do about it.
std::unexpected<Error> fail_errno(std::string_view verb, const std::string& path);

// All of `content`; `path` is for the error.
Result<void> write_all(int fd, std::string_view content, const std::string& path);

}  // namespace assay
