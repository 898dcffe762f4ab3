// A dossier on a failing disk: the N-th write, sync, truncation, opening or deletion fails, N rising until
// nothing does. Whatever fails, the file holds what it held before the call or after it, and the run can go
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "evidence/dossier_test_support.h"
#include "os/os.h"

namespace assay::dossier_fault_test {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing_dossier::some_outcome;
using testing_dossier::some_requirements;
using testing_dossier::some_run;
using testing_dossier::some_trials;
using testing_dossier::TemporaryFolder;

enum class Fault { kFull, kTornWrite, kInputOutput };

// Which operations fail. Counting starts at zero; `first_bad` < 0: none.
struct FaultPlan {
  Fault fault = Fault::kFull;
  int64_t first_bad = -1;
  bool stays_bad = false;  // all later ones fail as well, until the plan changes
  int64_t operations = 0;

  bool next_fails() {
    const int64_t operation = operations++;
    return first_bad >= 0 && (operation == first_bad || (stays_bad && operation > first_bad));
  }
  int code(int input_output_code) const {
    return fault == Fault::kInputOutput ? input_output_code : SQLITE_FULL;
  }
};

// SQLite's file system with a FaultPlan in front of it. The real file lies in the bytes behind a FaultyFile.
struct FaultyFile : sqlite3_file {
  FaultPlan* plan;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultyFile* faulty(sqlite3_file* file) {
  return static_cast<FaultyFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return faulty(file)->real();
}

int faulty_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  FaultPlan& plan = *faulty(file)->plan;
  if (!plan.next_fails()) return real(file)->pMethods->xWrite(real(file), data, size, offset);
  if (plan.fault == Fault::kTornWrite) real(file)->pMethods->xWrite(real(file), data, size / 2, offset);
  return plan.code(SQLITE_IOERR_WRITE);
}
int faulty_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (faulty(file)->plan->next_fails()) return faulty(file)->plan->code(SQLITE_IOERR_TRUNCATE);
  return real(file)->pMethods->xTruncate(real(file), size);
}
int faulty_sync(sqlite3_file* file,
                int) {  // the kernel is not going to fail here, so nothing is really synced
  return faulty(file)->plan->next_fails() ? faulty(file)->plan->code(SQLITE_IOERR_FSYNC) : SQLITE_OK;
}

constexpr sqlite3_io_methods kFaultyMethods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); },
    .xRead = [](sqlite3_file* file, void* data, int size,
                sqlite3_int64 offset) { return real(file)->pMethods->xRead(real(file), data, size, offset); },
    .xWrite = &faulty_write,
    .xTruncate = &faulty_truncate,
    .xSync = &faulty_sync,
    .xFileSize = [](sqlite3_file* file,
                    sqlite3_int64* size) { return real(file)->pMethods->xFileSize(real(file), size); },
    .xLock = [](sqlite3_file* file, int lock) { return real(file)->pMethods->xLock(real(file), lock); },
    .xUnlock = [](sqlite3_file* file, int lock) { return real(file)->pMethods->xUnlock(real(file), lock); },
    .xCheckReservedLock = [](sqlite3_file* file,
                             int* out) { return real(file)->pMethods->xCheckReservedLock(real(file), out); },
    .xFileControl =
        [](sqlite3_file* file, int op, void* argument) {
          return real(file)->pMethods->xFileControl(real(file), op, argument);
        },
    .xSectorSize = [](sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); },
    .xDeviceCharacteristics =
        [](sqlite3_file*) { return 0; },  // promises nothing, so that everything is synced
    .xShmMap =
        [](sqlite3_file* file, int page, int size, int extend, void volatile** out) {
          return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
        },
    .xShmLock = [](sqlite3_file* file, int offset, int n,
                   int flags) { return real(file)->pMethods->xShmLock(real(file), offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); },
    .xShmUnmap = [](sqlite3_file* file,
                    int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); },
};

// The default file system of this process while it lives.
class FaultyDisk {
 public:
  FaultyDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    vfs_.zName = "faulty";
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(FaultyFile)) + real_->szOsFile;
    vfs_.xOpen = &open;
    vfs_.xDelete = &remove;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }

  FaultPlan plan;

 private:
  static FaultyDisk& self(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    FaultyDisk& disk = self(vfs);
    file->pMethods = nullptr;
    if (disk.plan.next_fails()) return disk.plan.code(SQLITE_CANTOPEN);
    faulty(file)->plan = &disk.plan;
    const int code = disk.real_->xOpen(disk.real_, name, real(file), flags, out_flags);
    if (real(file)->pMethods != nullptr) file->pMethods = &kFaultyMethods;
    return code;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int) {
    FaultyDisk& disk = self(vfs);
    if (disk.plan.next_fails()) return disk.plan.code(SQLITE_IOERR_DELETE);
    return disk.real_->xDelete(disk.real_, name, 0);
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
};

constexpr int kSteps = 5;  // after the creation: two trials begun and committed, and the conclusions

Result<void> take_step(Dossier& dossier, int step) {
  switch (step) {
    case 0:
    case 2:
      return dossier.begin_trial(1 + step / 2, "now");
    case 1:
    case 3:
      return dossier.commit_trial(1 + step / 2, some_outcome(1 + step / 2, 40));
    default:
      return dossier.commit_conclusions({{.question = 1, .answer = Answer::kYes, .record_ids = {1, -1}}},
                                        {{.id = -1, .metric = "interference", .value = 2.0}}, {}, "finished");
  }
}

Result<Dossier> create_at(const std::string& path) {
  return Dossier::create(path, some_run(), some_trials(2), some_requirements());
}

std::string export_of(const std::string& path) {
  const Result<Dossier> dossier = Dossier::open_read_only(path);
  if (!dossier) return dossier.error().message();
  const Result<Json> json = dossier->to_json(true);
  return json ? json->dump() : json.error().message();
}

// The exports of a run on a healthy disk, before each step and after the last.
std::vector<std::string> healthy_exports(const TemporaryFolder& folder) {
  std::vector<std::string> exports;
  Result<Dossier> dossier = create_at(folder.file("healthy"));
  EXPECT_TRUE(dossier);
  for (int step = 0; step < kSteps; ++step) {
    exports.push_back(export_of(folder.file("healthy")));
    EXPECT_TRUE(take_step(*dossier, step));
  }
  exports.push_back(export_of(folder.file("healthy")));
  return exports;
}

void expect_words(const Error& error, const std::string& path) {
  EXPECT_EQ(error.where, path);
  EXPECT_THAT(error.what, AnyOf(HasSubstr("disk is full"), HasSubstr("reading or writing failed"),
                                HasSubstr("cannot be opened")));
  EXPECT_FALSE(error.remedy.empty());
}

// Runs until something fails; returns whether nothing did. Then the disk is healthy again and the run is
// resumed.
bool run_with_fault(const std::string& path, FaultPlan& plan, const std::vector<std::string>& exports) {
  int done = 0;
  {
    Result<Dossier> dossier = create_at(path);
    if (!dossier) {
      expect_words(dossier.error(), path);
      EXPECT_FALSE(file_exists(path)) << "a failed creation leaves no file";
      return false;
    }
    for (; done < kSteps; ++done) {
      const Result<void> taken = take_step(*dossier, done);
      if (!taken) {
        expect_words(taken.error(), path);
        break;
      }
    }
  }  // closed on the bad disk, if it stays bad
  const bool untouched = plan.operations <= plan.first_bad;
  plan.first_bad = -1;
  EXPECT_THAT(export_of(path), AnyOf(exports[static_cast<size_t>(done)],
                                     exports[static_cast<size_t>(std::min(done + 1, kSteps))]));
  Result<Dossier> resumed = Dossier::open(path);
  EXPECT_TRUE(resumed) << resumed.error().message();
  if (!resumed) return false;
  for (; done < kSteps; ++done) EXPECT_TRUE(take_step(*resumed, done));
  EXPECT_EQ(resumed->to_json(true)->dump(), exports.back());
  return untouched;
}

class DossierOnABadDisk : public ::testing::TestWithParam<std::tuple<Fault, bool>> {};

TEST_P(DossierOnABadDisk, HoldsAConsistentPrefixWhateverFails) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  const std::vector<std::string> exports = healthy_exports(folder);
  int64_t n = 0;
  for (bool succeeded = false; !succeeded && !HasFailure(); ++n) {
    SCOPED_TRACE(n);
    disk.plan = {std::get<Fault>(GetParam()), n, std::get<bool>(GetParam()), 0};
    succeeded = run_with_fault(folder.file("run-" + std::to_string(n)), disk.plan, exports);
  }
  EXPECT_GT(n, 40) << "fewer operations failed than a run consists of";
}

TEST_P(DossierOnABadDisk, TheFailedCallMayBeRepeated) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  const std::vector<std::string> exports = healthy_exports(folder);
  for (int64_t n = 0; n < 12; ++n) {
    const std::string path = folder.file("run-" + std::to_string(n));
    disk.plan = {};
    Result<Dossier> dossier = create_at(path);
    ASSERT_TRUE(dossier);
    for (int step = 0; step < kSteps; ++step) {
      disk.plan = {std::get<Fault>(GetParam()), n, std::get<bool>(GetParam()), 0};
      const Result<void> first = take_step(*dossier, step);
      disk.plan = {};
      if (first) continue;
      const Result<void> second = take_step(*dossier, step);
      ASSERT_TRUE(second) << n << ": " << second.error().message();
    }
    EXPECT_EQ(export_of(path), exports.back());
  }
}

INSTANTIATE_TEST_SUITE_P(AllFaults, DossierOnABadDisk,
                         ::testing::Combine(::testing::Values(Fault::kFull, Fault::kTornWrite,
                                                              Fault::kInputOutput),
                                            ::testing::Bool()));

TEST(Dossier, AFullDiskSaysSoAndHowToGoOn) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  Result<Dossier> dossier = create_at(folder.file("run"));
  ASSERT_TRUE(dossier);
  disk.plan = {Fault::kFull, 0, true, 0};
  const Result<void> committed = dossier->commit_trial(1, some_outcome(1, 1000));
  ASSERT_FALSE(committed);
  EXPECT_THAT(committed.error().what, HasSubstr("the disk is full"));
  EXPECT_THAT(committed.error().remedy, HasSubstr("assay run --resume"));
}

}  // namespace assay::dossier_fault_test
