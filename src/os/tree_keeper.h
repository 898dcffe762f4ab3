// TreeKeeper: a process that stands between ours and a foreign program, so that nothing which that program
// starts gets away: what leaves its process group (setsid) and what its parents leave behind (a double fork)
// stays below the keeper, which kills all of it, round after round, until nothing is left.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string_view>

namespace assay {

// What a keeper tells when it ends: processes that still ran 200 ms after its program had ended by itself.
// They are killed.
struct TreeRemains {
  int left_behind = 0;
  int escaped = 0;       // of them: those that had left the program's process group
  bool is_told = false;  // false of a keeper that was killed, and could not see to them
};

// Signals that a keeper acts on. The kernel sends the first when the thread that started it is gone.
inline constexpr int kKeeperKillSignal = SIGUSR1;  // kill everything below, then end as by SIGKILL
inline constexpr int kKeeperTermSignal = SIGTERM;  // handed on to everything below

// For Process only, in a child that was just forked (only async-signal-safe calls are made): makes it the
// keeper of a child of its own, and returns in that one, with the keeper's number. The keeper ends as that
// child ends, with its exit code or by its signal, once nothing is left below, and writes a TreeRemains to
// `report`. `parent`: the process that it was forked from.
pid_t keep_tree_in_child(pid_t parent, int report);

// Kills every process of ours whose environment has NAME=VALUE `variable`, and what they start meanwhile, and
// returns how many there were: for what a keeper, which was killed itself, could not see to, and only then:
// the environment of a process that hangs in a driver may be one whose reading hangs too. Not ours, and not
// readable ones, are passed over.
int kill_marked(std::string_view variable);

}  // namespace assay
