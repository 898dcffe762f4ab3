// What an open dossier holds, shared by the files that write, read and export it. Private to evidence.
#pragma once

#include "evidence/dossier.h"
#include "evidence/sqlite.h"

namespace assay {

struct Dossier::State {
  std::string path;
  sqlite::Connection connection;
};

}  // namespace assay
