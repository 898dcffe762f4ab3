// What an open dossier holds, shared by the files that write, read and export it. Private to evidence.
#pragma once

#include "evidence/dossier.h"
#include "evidence/sqlite.h"

namespace assay {

struct Dossier::State {
  State(sqlite::Connection open_connection, bool may_write)
      : connection(std::move(open_connection)), writable(may_write) {}
  State(const State&) = delete;
  ~State();

  sqlite::Connection connection;
  bool writable;
};

}  // namespace assay
