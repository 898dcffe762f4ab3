// The file of stamps on a disk that fills up, by the limit on the size of files.
#include "emulate/stamps.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

namespace assay::stamps_test {

// Files of this process end at so many bytes while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_{};
  void (*before_handler_)(int);
};

TEST(StampBook, AfterAFailedWriteNothingIsWrittenAnyMoreAndTheEndSaysSo) {
  const std::string path = ::testing::TempDir() + "stamps-full-disk.jsonl";
  remove_file(path);
  auto book = StampBook::create(path, 4, Json::object());
  ASSERT_TRUE(book) << book.error().message();
  const auto add = [&] {
    const uint32_t row = book->begin({.request_id = std::string(600'000, 'x'), .outcome = "done"});
    book->event(row, Nanos(1), Nanos(2), 1);
  };
  for (int i = 0; i < 3; ++i) add();
  EXPECT_TRUE(book->half_full());
  {
    const FileSizeLimit limit(700);
    book->write_out();
  }
  // There is room again, but a piece of the file is missing.
  EXPECT_FALSE(book->half_full()) << "or every turn of the loop would try again";
  add();
  EXPECT_EQ(book->lost_requests(), 1);
  EXPECT_EQ(book->lost_events(), 1);
  const Result<void> end = book->finish(Json::object());
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().message(), ::testing::HasSubstr(path));
  EXPECT_FALSE(file_exists(path));
}

}  // namespace assay::stamps_test
