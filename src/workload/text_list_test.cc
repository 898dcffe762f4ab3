// Lists of texts come back as they went, and broken ones are refused.
#include "workload/text_list.h"

#include <gmock/gmock.h>

namespace assay::text_list_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(TextList, GivesBackWhatWentIn) {
  std::string list;
  const std::string bytes("\0\xff\n", 3), longer(70'000, 'x');
  for (const std::string& text : {std::string("one"), std::string(), bytes, longer})
    append_to_text_list(text, list);
  const auto texts = read_text_list(list);
  ASSERT_TRUE(texts);
  EXPECT_THAT(*texts, ElementsAre("one", "", bytes, longer));
  EXPECT_THAT(*read_text_list(""), IsEmpty());
}

TEST(TextList, RefusesWhatIsCutAndWhatIsTooLong) {
  std::string list;
  append_to_text_list("one", list);
  for (size_t size = 1; size < list.size(); ++size)
    EXPECT_FALSE(read_text_list(std::string_view(list).substr(0, size))) << size;
  EXPECT_THAT(read_text_list(list.substr(0, 6)).error().what, HasSubstr("within text 1"));
  EXPECT_THAT(read_text_list("\xff\xff\xff\xff").error().what, HasSubstr("4.00 GiB"));
}

}  // namespace assay::text_list_test
