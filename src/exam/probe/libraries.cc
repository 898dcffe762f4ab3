// Finds libraries, reads them, and says whose they are; see libraries.h.
#include "exam/probe/libraries.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "exam/findings.h"
#include "exam/probe/elf_file.h"
#include "exam/probe/library_paths.h"
#include "exam/probe/vendor_marks.h"

namespace assay {
namespace {

constexpr size_t kMostCacheBytes = 16 << 20, kMostLibraries = 400, kMostLibraryStringBytes = 512 << 10;
constexpr size_t kMostLibraryFindings = 40, kNamesShown = 4;

// A file to be read, under the name by which it was found first.
struct Candidate {
  std::string name;  // "libcuda.so"
  bool is_on_loader_path = false;
};
using Candidates = std::map<std::pair<std::string, std::string>, Candidate>;  // by name and real path

// Rows of the profiles that bear one name.
struct NamedRows {
  struct Row {
    const VendorProfile* profile;
    const ProfileLibrary* library;
  };
  std::vector<Row> rows;

  const Row* of(const VendorProfile* profile) const {
    const auto found = std::ranges::find(rows, profile, &Row::profile);
    return found == rows.end() ? nullptr : &*found;
  }
  std::vector<const Row*> owners() const {
    std::vector<const Row*> owners;
    for (const Row& row : rows) {
      if (row.library->clone_of.empty()) owners.push_back(&row);
    }
    return owners;
  }
};

// What a file has that only one vendor's have.
struct Hint {
  const VendorProfile* profile;
  std::string words;  // "asks for libixcl.so"
  bool is_from_strings;
};

std::map<std::string, NamedRows, std::less<>> rows_by_name(const ProfileCatalogue& profiles) {
  std::map<std::string, NamedRows, std::less<>> rows;
  for (const VendorProfile& profile : profiles.profiles()) {
    for (const ProfileLibrary& library : profile.libraries)
      rows[library.name].rows.push_back({&profile, &library});
  }
  return rows;
}

class LibrarySearch {
 public:
  LibrarySearch(const HostTree& tree, const ProfileCatalogue& profiles, const StackFiles& stacks,
                std::string_view machine)
      : tree_(tree),
        profiles_(profiles),
        stacks_(stacks),
        machine_(machine),
        rows_(rows_by_name(profiles)),
        marks_(profiles) {}

  FoundLibraries run(std::string_view ld_library_path) {
    collect(ld_library_path);
    for (const auto& [key, candidate] : candidates_) {
      if (out_.libraries.size() >= kMostLibraries) {
        note_too_many();
        break;
      }
      read(candidate, key.second);
    }
    note_machines();
    note_clones();
    note_mixtures();
    return std::move(out_);
  }

 private:
  void offer(std::string_view file_name, const std::string& path, bool is_on_loader_path) {
    const std::string_view name = library_base_name(file_name);
    if (name.empty() || !rows_.contains(name)) return;
    const std::optional<std::string> real = tree_.resolve(path);
    if (!real) return;
    Candidate& candidate = candidates_[std::pair(std::string(name), *real)];
    candidate.name = name;
    candidate.is_on_loader_path |= is_on_loader_path;
  }

  void collect(std::string_view ld_library_path) {
    const std::string cache = tree_.head("/etc/ld.so.cache", kMostCacheBytes).value_or("");
    for (const CachedLibrary& library : parse_ld_cache(cache)) offer(library.name, library.path, true);
    std::set<std::string> seen;
    for (const std::string& folder : library_folders(tree_, ld_library_path)) {
      const std::optional<std::string> real = tree_.resolve(folder);
      if (!real || !seen.insert(*real).second) continue;
      for (const HostEntry& entry : tree_.list(*real))
        offer(entry.name, fmt::format("{}/{}", *real, entry.name), true);
    }
    for (const StackFile& file : stacks_.libraries) offer(file.name, file.path, false);
  }

  void finding(Severity severity, const char* code, std::string text, Json evidence) {
    if (out_.findings.size() < kMostLibraryFindings)
      out_.findings.push_back(make_finding(severity, code, std::move(text), std::move(evidence)));
  }

  void read(const Candidate& candidate, const std::string& path) {
    const NamedRows& rows = rows_.find(candidate.name)->second;
    FoundLibrary library;
    library.name = candidate.name;
    library.path = path;
    library.is_on_loader_path = candidate.is_on_loader_path;
    const StackRoot* root = stacks_.root_of(path);
    const auto wants_strings = [&](const NamedRows::Row& row) {
      return !row.library->version_text.empty() || (root == nullptr && !row.profile->is_neutral);
    };
    const size_t bytes = std::ranges::any_of(rows.rows, wants_strings) ? kMostLibraryStringBytes : 0;
    const Result<FileDescriptor> fd = tree_.open(path);
    Result<ElfFacts> facts =
        fd ? read_elf(fd->get(), path, bytes) : Result<ElfFacts>(std::unexpected(fd.error()));
    if (!facts) {
      if (fd && is_linker_script(read_part(fd->get(), 0, 64))) return;
      finding(Severity::kDoubtful, "probe.library-unreadable",
              fmt::format("{} bears the name of a library and cannot be read as one: {}.", printable(path),
                          printable(facts.error().what)),
              Json::object().set("path", printable(path)));
      facts = ElfFacts{};
    }
    if (!classify(library, rows, root, *facts)) return;
    library.machine = facts->machine;
    out_.libraries.push_back(std::move(library));
  }

  // False for what merely has the name.
  bool classify(FoundLibrary& library, const NamedRows& rows, const StackRoot* root,
                const ElfFacts& facts) const {
    const std::vector<const NamedRows::Row*> owners = rows.owners();
    std::string evidence;
    const VendorProfile* whose = owner_of(library, rows, root, facts, evidence);
    const NamedRows::Row* row = rows.of(whose);
    if (row == nullptr && !owners.empty()) row = owners.front();
    if (row == nullptr) row = &rows.rows.front();
    if (!row->library->proof.empty() && facts.names.find(row->library->proof) == std::string::npos &&
        root == nullptr)
      return false;
    library.role = row->library->role;
    library.capability = row->library->capability;
    library.profile = whose != nullptr && whose->is_neutral ? nullptr : whose;
    library.because = evidence;
    library.version = version_of(*row->library, library.path, facts);
    const bool is_owner =
        std::ranges::any_of(owners, [&](const auto* owner) { return owner->profile == whose; });
    if (whose == nullptr || is_owner || owners.size() != 1 || owners.front()->profile->is_neutral)
      return true;
    library.clone_of = owners.front()->profile;
    library.claims_version = claimed_version(*owners.front()->library, library.path, facts);
    return true;
  }

  // Whose a library is, and in `evidence` by what that is told.
  const VendorProfile* owner_of(const FoundLibrary& library, const NamedRows& rows, const StackRoot* root,
                                const ElfFacts& facts, std::string& evidence) const {
    const std::vector<const NamedRows::Row*> owners = rows.owners();
    const auto is_owner = [&](const VendorProfile* profile) {
      return std::ranges::any_of(owners, [&](const auto* owner) { return owner->profile == profile; });
    };
    const std::vector<Hint> hints = hints_of(library, facts);
    const bool is_neutral = !owners.empty() && owners.front()->profile->is_neutral;
    if (is_neutral) return root != nullptr ? root->profile : owners.front()->profile;
    const VendorProfile* located = root == nullptr ? nullptr : root->profile;
    if (located != nullptr && !is_owner(located)) {
      const std::string mark = mark_of(located, hints, true);
      evidence = fmt::format("lies in {}{}{}", root->path, mark.empty() ? "" : " and ", mark);
      return located;
    }
    // In the owner's own folder, or in nobody's: only what it asks for and calls itself may speak against it;
    // texts inside may name others for many reasons.
    const bool may_read_strings =
        located == nullptr && owners.size() == 1 && mark_of(owners.front()->profile, hints, true).empty();
    for (const VendorProfile& profile : profiles_.profiles()) {
      if (is_owner(&profile) || profile.is_neutral) continue;
      const std::string mark = mark_of(&profile, hints, may_read_strings);
      if (mark.empty()) continue;
      evidence = mark;
      return &profile;
    }
    if (located != nullptr || owners.size() == 1)
      return located != nullptr ? located : owners.front()->profile;
    std::vector<std::string> names;
    for (const auto* owner : owners) {
      const std::string mark = mark_of(owner->profile, hints, true);
      if (!mark.empty()) {
        evidence = mark;
        return owner->profile;
      }
      names.push_back(owner->profile->name);
    }
    evidence =
        fmt::format("{} have a library of this name, and nothing tells whose this is", join(names, " and "));
    return nullptr;
  }

  // Every mark of every vendor, the most telling first.
  std::vector<Hint> hints_of(const FoundLibrary& library, const ElfFacts& facts) const {
    std::vector<Hint> hints;
    const auto add = [&](std::string_view text, std::string_view words, bool is_whole, bool is_from_strings) {
      for (const VendorMark& mark : marks_.find(text)) {
        const std::string what = is_whole ? printable(text, 100) : mark.word;
        hints.push_back({mark.profile,
                         fmt::format("{}{}{}", words, what, is_from_strings ? " in its texts" : ""),
                         is_from_strings});
      }
    };
    const std::string file = file_name(library.path);
    if (library_base_name(file) != library.name) add(file, "is a link to ", true, false);
    add(facts.soname, "calls itself ", true, false);
    for (const std::string& needed : facts.needed) add(needed, "asks for ", true, false);
    add(facts.names, "has the symbol ", false, false);
    add(facts.strings, "names ", false, true);
    return hints;
  }

  // "asks for libixcl.so"; "" where the file has no mark of the vendor.
  static std::string mark_of(const VendorProfile* profile, const std::vector<Hint>& hints,
                             bool looks_into_strings) {
    for (const Hint& hint : hints) {
      if (hint.profile == profile && (looks_into_strings || !hint.is_from_strings)) return hint.words;
    }
    return "";
  }

  static std::string version_behind(std::string_view text, const std::string& strings) {
    if (text.empty()) return "";
    constexpr size_t kVersionWindowBytes = 40;
    const size_t at = strings.find(text);
    if (at == std::string::npos) return "";
    const std::string_view rest = std::string_view(strings).substr(at + text.size(), kVersionWindowBytes);
    return first_version(rest.substr(0, rest.find('\0')));
  }

  static std::string version_of(const ProfileLibrary& row, const std::string& path, const ElfFacts& facts) {
    const std::string file(library_file_version(file_name(path)));
    if (file.find('.') != std::string::npos) return printable(file, 60);
    const std::string told = version_behind(row.version_text, facts.strings);
    if (!told.empty()) return told;
    // A number alone is that of the interface ("libcuda.so.1") and no version.
    const std::string own(library_file_version(facts.soname));
    return own.find('.') == std::string::npos ? "" : printable(own, 60);
  }

  static std::string claimed_version(const ProfileLibrary& original, const std::string& path,
                                     const ElfFacts& facts) {
    const std::string told = version_behind(original.version_text, facts.strings);
    return told.empty() ? version_of(original, path, facts) : told;
  }

  void note_too_many() {
    finding(Severity::kNote, "probe.stack-cut-off",
            fmt::format("This host has more than {} libraries whose names are known here: the first ones by "
                        "name are shown, and what is missing may be there.",
                        kMostLibraries),
            Json::object().set("libraries", static_cast<int64_t>(candidates_.size())));
  }

  // A library for another machine is no fault where the same one is there for this machine, too.
  void note_machines() {
    if (machine_.empty()) return;
    for (const FoundLibrary& library : out_.libraries) {
      if (library.machine.empty() || library.machine == machine_) continue;
      const bool has_other = std::ranges::any_of(out_.libraries, [&](const FoundLibrary& other) {
        return other.name == library.name && other.profile == library.profile && other.machine == machine_;
      });
      if (has_other) continue;
      finding(Severity::kDoubtful, "probe.library-machine",
              fmt::format("{} is made for {}, and this host is {}: nothing here can load it.",
                          printable(library.path), library.machine, machine_),
              Json::object()
                  .set("path", printable(library.path))
                  .set("machine", library.machine)
                  .set("host", machine_));
    }
  }

  void note_clones() {
    std::map<std::pair<std::string, std::string>, std::vector<const FoundLibrary*>> clones;
    for (const FoundLibrary& library : out_.libraries) {
      if (library.clone_of != nullptr)
        clones[{library.profile->name, library.clone_of->name}].push_back(&library);
    }
    for (const auto& [names, libraries] : clones) {
      std::set<std::string> files;
      std::string claimed;
      for (const FoundLibrary* library : libraries) {
        files.insert(library->name);
        const bool is_of_runtime = library->role.ends_with("run-time");
        if (is_of_runtime && !library->claims_version.empty()) claimed = library->claims_version;
      }
      std::vector<std::string> shown(files.begin(), files.end());
      const size_t hidden = shown.size() > kNamesShown ? shown.size() - kNamesShown : 0;
      shown.resize(shown.size() - hidden);
      const bool is_one = files.size() == 1;
      Json evidence = Json::object().set("libraries", static_cast<int64_t>(files.size()));
      if (!claimed.empty()) evidence.set("claims_version", claimed);
      finding(Severity::kNote, "probe.clone",
              fmt::format("{} of {} {} of {}'s: {}{}. What finds {} here may have found {}{}.",
                          counted(static_cast<int64_t>(files.size()), "library", "libraries"), names.first,
                          is_one ? "bears the name of one" : "bear the names", names.second,
                          join(shown, ", "), hidden > 0 ? fmt::format(" and {} more", hidden) : "",
                          names.second, is_one ? "this" : "these",
                          claimed.empty() ? "" : fmt::format(", of claimed version {}", claimed)),
              std::move(evidence));
    }
  }

  void note_mixtures() {
    std::map<std::string, std::pair<const FoundLibrary*, const FoundLibrary*>> pairs;  // original, clone
    for (const FoundLibrary& library : out_.libraries) {
      if (!library.is_on_loader_path || library.profile == nullptr || library.machine.empty()) continue;
      auto& [original, clone] = pairs[library.name];
      (library.clone_of == nullptr ? original : clone) = &library;
    }
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> names;  // by both vendors
    std::map<std::pair<std::string, std::string>, std::string> example;
    for (const auto& [name, pair] : pairs) {
      const auto& [original, clone] = pair;
      if (original == nullptr || clone == nullptr || clone->clone_of != original->profile) continue;
      const std::pair vendors(original->profile->name, clone->profile->name);
      names[vendors].push_back(name);
      if (example[vendors].empty())
        example[vendors] = fmt::format("{} and {}", printable(original->path), printable(clone->path));
    }
    for (const auto& [vendors, both] : names)
      finding(
          Severity::kDoubtful, "probe.clone-mixed",
          fmt::format(
              "The loader finds {} twice, {}'s own and the clone by {} ({}): which of them a program gets "
              "depends on the order of its search.",
              join(both, ", "), vendors.first, vendors.second, example[vendors]),
          Json::object().set("libraries", static_cast<int64_t>(both.size())));
  }

  const HostTree& tree_;
  const ProfileCatalogue& profiles_;
  const StackFiles& stacks_;
  std::string machine_;
  std::map<std::string, NamedRows, std::less<>> rows_;
  VendorMarks marks_;
  Candidates candidates_;
  FoundLibraries out_;
};

}  // namespace

FoundLibraries find_libraries(const HostTree& tree, const ProfileCatalogue& profiles,
                              const StackFiles& stacks, std::string_view ld_library_path,
                              std::string_view machine) {
  return LibrarySearch(tree, profiles, stacks, machine).run(ld_library_path);
}

}  // namespace assay
