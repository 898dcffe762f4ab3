// JsonCursor: reads a JSON text from front to back, value by value, without building a document: traces have
// hundreds of megabytes. What is wrong stays wrong: every call after it fails too, and problem() says what it
// was, line() where.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay {

// `text` must outlive the cursor. One thread.
class JsonCursor {
 public:
  static constexpr size_t kMaxDepth = 64;

  explicit JsonCursor(std::string_view text) : text_(text) {}

  // The first byte of the next value, behind blanks; 0 at the end of the text or once something is wrong.
  char peek();
  // Enters an object or array; false, and wrong, if the next value is none.
  bool begin_object() { return begin('{', "an object"); }
  bool begin_array() { return begin('[', "an array"); }
  // The next member of the object that was entered last, up to its value, which must then be read. `key` is
  // as it stands in the text, escapes included. False at the object's end, which is taken, or if wrong.
  bool next_member(std::string_view& key);
  // The same of an array's items.
  bool next_item();
  // A string as it stands in the text, without quotes, escapes included.
  bool read_string(std::string_view& raw);
  bool read_number(double& value);
  // A number or a string, as 64 bits that are equal for equal ones; whole numbers are themselves.
  bool read_id(uint64_t& id);
  // Any value.
  bool skip();

  bool is_good() const { return problem_.empty(); }
  std::string_view problem() const { return problem_; }
  // Makes the text wrong, here, for a reason of the reader's.
  bool fail(std::string_view problem);
  size_t line() const;  // of the place that has been reached, from 1; counts, so ask only for errors

 private:
  bool begin(char bracket, std::string_view kind);
  bool next(char end);
  std::string_view take_number();

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::array<bool, kMaxDepth + 1> is_first_{};  // by depth: nothing was read in it yet
  std::string_view problem_;                    // static text
};

// Bytes of UTF-8 that a string has once its escapes are undone.
size_t decoded_bytes(std::string_view raw);

}  // namespace assay
