// Workers that die, hang, leak or lose their mind at an exactly known moment.
#include "fake_engine/misbehaviour.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/base.h"

namespace assay {

Misbehaviour::Misbehaviour(std::string_view model) {
  const size_t at = model.rfind("fake:");
  if (at == std::string_view::npos) return;
  std::string_view words = model.substr(at + 5);
  if (words.ends_with(".gguf")) words.remove_suffix(5);
  const size_t equals = words.find('=');
  kind_ = words.substr(0, equals);
  if (equals != std::string_view::npos)
    limit_ = static_cast<uint64_t>(parse_integer(words.substr(equals + 1)).value_or(0));
}

void Misbehaviour::on_load() const {
  if (kind_ == "die-on-load") {
    std::fputs("fake engine: the model is not what it seems\n", stderr);
    std::_Exit(3);
  }
  while (kind_ == "slow-load") ::pause();
}

void Misbehaviour::on_work() {
  ++done_;
  if (kind_ == "abort-after" && done_ > limit_) {
    std::fputs("fake engine: GGML_ASSERT(all_is_well) failed\n", stderr);
    std::abort();
  }
  if (kind_ == "leak") leaked_.emplace_back(16 << 20, '\1');
}

}  // namespace assay
