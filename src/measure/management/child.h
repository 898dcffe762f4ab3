// ManagementChild: one management library in a child process, asked over a socket and held to limits:
// whatever the library does, its parent neither waits nor ends with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/base.h"
#include "measure/management/reading.h"
#include "os/os.h"

namespace assay {

// A library that is to be asked.
struct ManagementLibrary {
  std::string name;     // "libixml.so"
  std::string path;     // of the file
  std::string profile;  // whose it is: "iluvatar"
  // What each of its devices draws is another card's power. Where a card holds several devices, nobody tells
  // whether each of them tells its own or the card's, and nothing may be added.
  bool has_one_device_a_card = false;
};

// How a child is started: this program and its hidden subcommand, to which the library's path is added. An
// empty command: no library is ever asked.
struct ManagementAccess {
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> environment;  // the whole of it
};

// From the start to the first answer, whatever the library does.
inline constexpr Nanos kManagementPatience = nanos_from_ms(2500);

// One thread only, at a time; the thread that started it must outlive it.
class ManagementChild {
 public:
  // Starts it; its first answer, to "all", is then awaited.
  static Result<ManagementChild> start(const ManagementAccess& access, ManagementLibrary library);
  ManagementChild(ManagementChild&&) noexcept = default;
  ~ManagementChild();

  const ManagementLibrary& library() const { return library_; }
  // Asks for power and energy. An answer that was awaited until now is no longer.
  void ask_power();
  // The answer, once it is there; nothing before. An error is final: nothing more will come, and the child is
  // killed.
  std::optional<Result<ManagementReading>> take_answer();
  // Kills the child; every answer from now on is this error.
  void give_up(std::string why);
  // Kills several, and waits for their ends no longer than for that of one. They answer nothing any more.
  static void end_all(std::span<ManagementChild> children);
  // What the library has printed where it should not have: "12 bytes, the first: …"; "" nothing.
  std::string printed() const;

 private:
  friend void await_answers(std::span<ManagementChild>, Nanos, const std::function<bool()>&);
  ManagementChild(Process process, ManagementLibrary library)
      : process_(std::move(process)), library_(std::move(library)) {}

  bool is_awaited() const;  // neither answered nor given up
  void read_all();          // what has come, without waiting
  void read_socket();
  void take_line(std::string_view line);
  void drain(int fd, bool& has_ended, uint64_t& bytes, std::string& first);
  std::string end_words();

  Process process_;
  ManagementLibrary library_;
  uint64_t sequence_ = 0;  // of the answer that is awaited
  std::string input_;
  std::optional<Result<ManagementReading>> answer_;
  std::optional<Error> failure_;
  uint64_t out_bytes_ = 0, err_bytes_ = 0;
  std::string first_out_, first_err_;
  bool socket_ended_ = false, out_ended_ = false, err_ended_ = false;
};

// Waits until each has answered or failed, or CLOCK_MONOTONIC has reached `deadline` or `interrupted` says so
// (asked ten times a second; may be empty). All of them at once.
void await_answers(std::span<ManagementChild> children, Nanos deadline,
                   const std::function<bool()>& interrupted);

}  // namespace assay
