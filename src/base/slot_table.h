// SlotTable: things that come and go, found by a key that is never given twice. A key is a slot of a vector
// and the number of its tenants so far, so that what is said of an earlier one finds nothing; finding is two
// loads, where a hash table takes several that miss the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace assay {

// At most 2³² at once. Not thread-safe.
template <class T>
class SlotTable {
 public:
  // Of what is added next. Never 0.
  uint64_t next_key() const {
    const size_t slot = free_.empty() ? slots_.size() : free_.back();
    const uint64_t tenants = slot < slots_.size() ? slots_[slot].tenants : 0;
    return (tenants + 1) << kSlotBits | slot;
  }
  // Under next_key().
  T& add(std::unique_ptr<T> thing) {
    CHECK(thing != nullptr);
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    Slot& slot = slots_[free_.back()];
    free_.pop_back();
    ++slot.tenants;
    slot.thing = std::move(thing);
    return *slot.thing;
  }
  // Null: it was never there, or is gone.
  T* find(uint64_t key) const {
    const size_t slot = slot_of(key);
    if (slot >= slots_.size() || slots_[slot].tenants != key >> kSlotBits) return nullptr;
    return slots_[slot].thing.get();
  }
  // It must be there.
  void erase(uint64_t key) {
    CHECK(find(key) != nullptr);
    slots_[slot_of(key)].thing.reset();
    free_.push_back(static_cast<uint32_t>(slot_of(key)));
  }
  void clear() {
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].thing) erase(uint64_t{slots_[slot].tenants} << kSlotBits | slot);
    }
  }
  size_t size() const { return slots_.size() - free_.size(); }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.thing) visit(*slot.thing);
    }
  }

 private:
  static constexpr int kSlotBits = 32;
  static size_t slot_of(uint64_t key) { return static_cast<uint32_t>(key); }

  struct Slot {
    std::unique_ptr<T> thing;
    uint32_t tenants = 0;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace assay
