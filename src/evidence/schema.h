// The tables of a dossier, and the decision whether a file is one. Private to evidence.
#pragma once

#include "evidence/sqlite.h"

namespace assay {

// Makes the tables of the current version in an empty database, inside the transaction under way.
Result<void> create_schema(const sqlite::Connection& connection);

// Fails unless the file is a dossier of a version that this program reads, with the very tables of that
// version: a file with views, triggers or other columns was not written by assay.
Result<void> check_schema(const sqlite::Connection& connection);

}  // namespace assay
