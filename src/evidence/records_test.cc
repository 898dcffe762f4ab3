// Each word of evidence has one name, and the name leads back to the word.
#include "evidence/records.h"

#include <gtest/gtest.h>

#include <set>

namespace assay::records_test {

template <class E>
void expect_names(std::optional<E> (*lookup)(std::string_view), int count) {
  std::set<std::string_view> names;
  for (int i = 0; i < count; ++i) {
    const E value = static_cast<E>(i);
    names.insert(name_of(value));
    EXPECT_EQ(lookup(name_of(value)), value);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(count));
  EXPECT_EQ(lookup("no such word"), std::nullopt);
  EXPECT_EQ(lookup(""), std::nullopt);
}

TEST(Records, EveryWordHasANameOfItsOwn) {
  expect_names<EvidenceClass>(&evidence_class_named, 5);
  expect_names<Validity>(&validity_named, 4);
  expect_names<Severity>(&severity_named, 4);
  expect_names<TrialState>(&trial_state_named, 5);
  expect_names<Answer>(&answer_named, 3);
}

}  // namespace assay::records_test
