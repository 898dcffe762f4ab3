// What looks like a secret in a scenario. Scenarios are stored with every result, and travel with it, so that
// keys and passwords come from the environment or from files instead.
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"

namespace assay {

// A field of a request's head that carries a secret, or looks as if it did.
bool is_secret_header(std::string_view name, std::string_view value);
// A variable of the environment that holds a secret, by its name.
bool is_secret_variable(std::string_view name);
// An option of a program that holds a secret: "--api-key", "--api-key=x".
bool is_secret_option(std::string_view argument);

// What holds a secret in a command or in part of one, "--api-key" or "HF_TOKEN": an option or variable with a
// value, or a word that looks like a key. "" where nothing does: no value, "$NAME", "<key>" and "***" are
// none.
std::string secret_of_text(std::string_view text);
// The name of the first member, at any depth, that holds a secret; "" where none does.
std::string secret_of_json(const Json& json);
// The same of the query of a path: "/v1/x?api_key=…".
std::string secret_of_query(std::string_view path);

}  // namespace assay
