// Listening sockets of servers that others may reach, and how many descriptors a process may hold.
#pragma once

#include "base/base.h"
#include "os/socket.h"

namespace assay {

// A non-blocking listener; port 0 takes a free one, which the listener's address then tells. Connections that
// it accepts inherit receive stamps from it, if enable_receive_stamps was called for it.
Result<Listener> listen_on(const SocketAddress& address);

// Raises this process's limit of open files as far as it may without privileges, and returns what it is then.
int64_t raise_open_files_limit();

// The connection ends with a reset when it is closed, instead of an orderly end.
void reset_on_close(int fd);

}  // namespace assay
