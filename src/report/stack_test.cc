// The stack of an endpoint, side by side and in one line.
#include "report/stack.h"

#include <gtest/gtest.h>

namespace assay::stack_test {

Subject endpoint(std::initializer_list<std::pair<const char*, const char*>> details) {
  Subject subject{.name = "server", .kind = "endpoint"};
  for (const auto& [name, value] : details) subject.details.set(name, value);
  return subject;
}

TEST(Stack, StandsSideBySide) {
  const std::vector<StackRow> rows = stack_rows(endpoint({{"url", "http://h/v1"},
                                                          {"server", "uvicorn"},
                                                          {"server_slots", "4"},
                                                          {"stack_notes", "n"},
                                                          {"stack_version", "1"},
                                                          {"server_version", "2"},
                                                          {"server_engine", "vllm"}}));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].name + rows[0].declared + rows[0].told, "enginevllm");
  EXPECT_EQ(rows[1].declared + " " + rows[1].told, "1 2");
  EXPECT_EQ(rows[2].name, "notes");
  EXPECT_EQ(rows[3].name, "slots");
}

TEST(Stack, IsOneLineForATerminal) {
  EXPECT_EQ(stack_sentence(endpoint({{"stack_engine", "vllm"},
                                     {"stack_version", "0.11.0"},
                                     {"stack_kv_type", "fp8"},
                                     {"stack_parallelism", "tp=2"},
                                     {"stack_launch", "vllm serve"}})),
            "stack: vllm 0.11.0, tp=2, KV fp8, `vllm serve`");
  EXPECT_EQ(stack_sentence(endpoint({{"stack_notes", "n"}})),
            "stack declared without engine, version or command");
}

TEST(Stack, SaysWhoTunedItAndForHowLong) {
  Subject server = endpoint({{"stack_engine", "vllm"}, {"stack_tuned_by", "me"}});
  EXPECT_EQ(stack_sentence(server), "stack: vllm, tuned by me");
  server.details.set("stack_tuned_for_h", 2.0);
  EXPECT_EQ(stack_sentence(server), "stack: vllm, tuned by me for 2 h");
  server = endpoint({{"stack_notes", "n"}});
  server.details.set("stack_tuned_for_h", 0.5);
  EXPECT_EQ(stack_sentence(server), "stack declared without engine, version or command, tuned for 0.5 h");
}

TEST(Stack, UndeclaredIsSaid) {
  EXPECT_EQ(stack_sentence(endpoint({})), "stack undeclared");
  EXPECT_EQ(
      stack_sentence(endpoint({{"stack", "undeclared"}, {"server_engine", "vllm"}, {"server_version", "1"}})),
      "stack undeclared; the server calls itself vllm 1");
  const Subject device{.name = "CPU", .kind = "device"};
  EXPECT_EQ(stack_sentence(device), "");
  EXPECT_TRUE(stack_rows(device).empty());
}

}  // namespace assay::stack_test
