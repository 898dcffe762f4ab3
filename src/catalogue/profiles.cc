// Profiles read from TOML, every error with its place; see profiles.h. The keys of each table are rows.
#include "catalogue/profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "os/os.h"

namespace assay {

std::span<const EmbeddedFile> embedded_profiles();  // made by cmake/Embed.cmake

namespace {

constexpr const char* kProfileRemedy = "docs/formats/profiles.md describes every key of a profile.";
constexpr size_t kMostProfileErrors = 20, kMostProfileItems = 200, kMostProfileTextBytes = 400;
constexpr size_t kFewestMarkBytes = 4;  // shorter ones stand in libraries by chance

constexpr std::pair<Capability, const char*> kCapabilityNames[] = {
    {Capability::kCompiler, "compiler"},
    {Capability::kProfiler, "profiler"},
    {Capability::kDebugger, "debugger"},
    {Capability::kManagementLibrary, "management library"},
    {Capability::kCollectives, "collectives"},
    {Capability::kContainerRuntime, "container run-time"},
    {Capability::kKubernetesPlugin, "Kubernetes plug-in"}};
static_assert(std::size(kCapabilityNames) == kCapabilities);

// Reads values and keeps what is wrong with them, so that a file shows all its faults at once.
class ProfileErrors {
 public:
  explicit ProfileErrors(std::string_view file) : file_(file) {}

  void add(TomlPosition at, std::string what) { errors_.emplace_back(at, std::move(what)); }
  bool empty() const { return errors_.empty(); }

  Error combined() {
    std::ranges::stable_sort(errors_, {},
                             [](const auto& each) { return std::pair(each.first.line, each.first.column); });
    Error error{errors_[0].second, toml_where(file_, errors_[0].first), kProfileRemedy};
    for (size_t i = 1; i < std::min(errors_.size(), kMostProfileErrors); ++i)
      error.what += fmt::format("\n{}: {}", toml_where(file_, errors_[i].first), errors_[i].second);
    if (errors_.size() > kMostProfileErrors)
      error.what += fmt::format("\nand {} more", errors_.size() - kMostProfileErrors);
    return error;
  }

 private:
  std::string file_;
  std::vector<std::pair<TomlPosition, std::string>> errors_;
};

void read_profile_text(ProfileErrors& errors, const TomlMember& member, std::string& out) {
  const TomlValue& value = member.value;
  // A date may be written bare.
  if (value.kind != TomlKind::kString && value.kind != TomlKind::kDate)
    return errors.add(value.at,
                      fmt::format("{} must be a string, not of kind {}", member.key, name_of(value.kind)));
  if (value.text.size() > kMostProfileTextBytes ||
      printable(value.text, 2 * kMostProfileTextBytes) != value.text)
    return errors.add(
        value.at, fmt::format("{} must be one line of at most {} bytes", member.key, kMostProfileTextBytes));
  out = value.text;
}

void read_profile_flag(ProfileErrors& errors, const TomlMember& member, bool& out) {
  if (member.value.kind != TomlKind::kBoolean)
    return errors.add(member.value.at, fmt::format("{} must be true or false", member.key));
  out = member.value.boolean;
}

void read_profile_texts(ProfileErrors& errors, const TomlMember& member, std::vector<std::string>& out) {
  const TomlValue& value = member.value;
  if (value.kind != TomlKind::kArray)
    return errors.add(value.at, fmt::format("{} must be an array of strings", member.key));
  if (value.items.size() > kMostProfileItems)
    return errors.add(value.at, fmt::format("{} has more than {} items", member.key, kMostProfileItems));
  for (const TomlValue& item : value.items) {
    std::string text;
    read_profile_text(errors, {member.key, member.key_at, item}, text);
    if (item.kind == TomlKind::kString && text.empty())
      errors.add(item.at, fmt::format("an item of {} is empty", member.key));
    if (std::ranges::find(out, text) != out.end())
      errors.add(item.at, fmt::format("'{}' stands in {} twice", text, member.key));
    out.push_back(std::move(text));
  }
}

void read_pci_vendors(ProfileErrors& errors, const TomlMember& member, std::vector<uint16_t>& out) {
  std::vector<std::string> texts;
  read_profile_texts(errors, member, texts);
  for (const std::string& text : texts) {
    uint16_t number = 0;
    const bool is_hex = text.size() == 4 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    for (const char c : text)
      number = static_cast<uint16_t>(number * 16 + (c <= '9' ? c - '0' : c - 'a' + 10));
    if (!is_hex) {
      errors.add(member.value.at,
                 fmt::format("'{}' is no PCI vendor id: four hexadecimal digits like \"10de\"", text));
    } else {
      out.push_back(number);
    }
  }
}

void read_capability(ProfileErrors& errors, const TomlMember& member, std::optional<Capability>& out) {
  std::string name;
  read_profile_text(errors, member, name);
  out = capability_named(name);
  if (out || member.value.kind != TomlKind::kString) return;
  std::vector<std::string> known;
  for (const auto& [capability, known_name] : kCapabilityNames) known.emplace_back(known_name);
  errors.add(member.value.at, fmt::format("unknown capability '{}'; it is one of {}.{}", name,
                                          join(known, ", "), suggestion(name, known)));
}

// One key of a table: `is_needed` where it must stand in each.
template <class T>
struct ProfileRow {
  const char* key;
  bool is_needed;
  void (*read)(ProfileErrors& errors, const TomlMember& member, T& out);
};

template <class T>
T read_profile_table(ProfileErrors& errors, const TomlValue& table, std::string_view name,
                     std::span<const ProfileRow<T>> rows) {
  T out;
  for (const TomlMember& member : table.members) {
    const auto row = std::ranges::find(rows, std::string_view(member.key), &ProfileRow<T>::key);
    if (row != rows.end()) {
      row->read(errors, member, out);
      continue;
    }
    std::vector<std::string> known;
    for (const ProfileRow<T>& each : rows) known.emplace_back(each.key);
    errors.add(member.key_at, fmt::format("unknown key '{}' in {}.{}", printable(member.key, 60), name,
                                          suggestion(member.key, known)));
  }
  for (const ProfileRow<T>& row : rows) {
    const TomlValue* value = table.find(row.key);
    const bool is_blank = value != nullptr && value->kind == TomlKind::kString && value->text.empty();
    if (row.is_needed && (value == nullptr || is_blank))
      errors.add(table.at, fmt::format("{} lacks {}", name, row.key));
  }
  return out;
}

template <class T>
std::vector<T> read_profile_tables(ProfileErrors& errors, const TomlMember& member, std::string_view name,
                                   std::span<const ProfileRow<T>> rows) {
  std::vector<T> out;
  const TomlValue& value = member.value;
  if (value.kind != TomlKind::kArray) {
    errors.add(value.at, fmt::format("{} must be an array of tables", member.key));
    return out;
  }
  if (value.items.size() > kMostProfileItems)
    errors.add(value.at, fmt::format("{} has more than {} items", member.key, kMostProfileItems));
  for (const TomlValue& item : value.items) {
    if (out.size() >= kMostProfileItems) break;
    if (item.kind == TomlKind::kTable)
      out.push_back(read_profile_table(errors, item, name, rows));
    else
      errors.add(item.at, fmt::format("an item of {} must be a table", member.key));
  }
  return out;
}

using Library = ProfileLibrary;
constexpr ProfileRow<Library> kLibraryRows[] = {
    {"name", true,
     [](auto& errors, const auto& member, Library& out) { read_profile_text(errors, member, out.name); }},
    {"role", true,
     [](auto& errors, const auto& member, Library& out) { read_profile_text(errors, member, out.role); }},
    {"capability", false,
     [](auto& errors, const auto& member, Library& out) { read_capability(errors, member, out.capability); }},
    {"nvml", false,
     [](auto& errors, const auto& member, Library& out) { read_profile_flag(errors, member, out.is_nvml); }},
    {"clone_of", false,
     [](auto& errors, const auto& member, Library& out) { read_profile_text(errors, member, out.clone_of); }},
    {"version_text", false,
     [](auto& errors, const auto& member, Library& out) {
       read_profile_text(errors, member, out.version_text);
     }},
    {"proof", false,
     [](auto& errors, const auto& member, Library& out) { read_profile_text(errors, member, out.proof); }},
};

constexpr ProfileRow<ProfileTool> kToolRows[] = {
    {"name", true,
     [](auto& errors, const auto& member, ProfileTool& out) { read_profile_text(errors, member, out.name); }},
    {"role", true,
     [](auto& errors, const auto& member, ProfileTool& out) { read_profile_text(errors, member, out.role); }},
    {"capability", false,
     [](auto& errors, const auto& member, ProfileTool& out) {
       read_capability(errors, member, out.capability);
     }},
    {"version_flag", false,
     [](auto& errors, const auto& member, ProfileTool& out) {
       read_profile_text(errors, member, out.version_flag);
     }},
    {"only_in_roots", false,
     [](auto& errors, const auto& member, ProfileTool& out) {
       read_profile_flag(errors, member, out.only_in_roots);
     }},
};

using Package = ProfilePackage;
constexpr ProfileRow<Package> kPackageRows[] = {
    {"name", true,
     [](auto& errors, const auto& member, Package& out) { read_profile_text(errors, member, out.name); }},
    {"module", false,
     [](auto& errors, const auto& member, Package& out) { read_profile_text(errors, member, out.module); }},
    {"role", true,
     [](auto& errors, const auto& member, Package& out) { read_profile_text(errors, member, out.role); }},
};

// As read: the capability is checked to be there before it is used.
struct CapabilityDraft {
  std::optional<Capability> capability;
  ProfileCapability row;
};

constexpr ProfileRow<CapabilityDraft> kCapabilityRows[] = {
    {"capability", true,
     [](auto& errors, const auto& member, CapabilityDraft& out) {
       read_capability(errors, member, out.capability);
     }},
    {"exists", true,
     [](auto& errors, const auto& member, CapabilityDraft& out) {
       read_profile_flag(errors, member, out.row.exists);
     }},
    {"what", true,
     [](auto& errors, const auto& member, CapabilityDraft& out) {
       read_profile_text(errors, member, out.row.what);
     }},
    {"source", true,
     [](auto& errors, const auto& member, CapabilityDraft& out) {
       read_profile_text(errors, member, out.row.source);
     }},
    {"date", true,
     [](auto& errors, const auto& member, CapabilityDraft& out) {
       read_profile_text(errors, member, out.row.date);
     }},
};

constexpr ProfileRow<ProfileSource> kSourceRows[] = {
    {"source", true,
     [](auto& errors, const auto& member, ProfileSource& out) {
       read_profile_text(errors, member, out.source);
     }},
    {"date", true,
     [](auto& errors, const auto& member, ProfileSource& out) {
       read_profile_text(errors, member, out.date);
     }},
};

void read_capabilities(ProfileErrors& errors, const TomlMember& member, VendorProfile& out) {
  for (CapabilityDraft& draft :
       read_profile_tables<CapabilityDraft>(errors, member, "[[capabilities]]", kCapabilityRows)) {
    if (!draft.capability) continue;
    draft.row.capability = *draft.capability;
    if (out.find(*draft.capability) != nullptr)
      errors.add(member.value.at,
                 fmt::format("capability '{}' stands here twice", name_of(*draft.capability)));
    out.capabilities.push_back(std::move(draft.row));
  }
}

void read_marks(ProfileErrors& errors, const TomlMember& member, VendorProfile& out) {
  read_profile_texts(errors, member, out.marks);
  for (std::string& mark : out.marks) {
    if (mark.size() < kFewestMarkBytes)
      errors.add(member.value.at, fmt::format("mark '{}' is shorter than {} bytes", mark, kFewestMarkBytes));
    mark = lower(mark);
  }
}

using Vendor = VendorProfile;
constexpr ProfileRow<Vendor> kProfileRows[] = {
    {"name", true,
     [](auto& errors, const auto& member, Vendor& out) { read_profile_text(errors, member, out.name); }},
    {"neutral", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_flag(errors, member, out.is_neutral);
     }},
    {"pci_vendors", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_pci_vendors(errors, member, out.pci_vendors);
     }},
    {"drivers", false,
     [](auto& errors, const auto& member, Vendor& out) { read_profile_texts(errors, member, out.drivers); }},
    {"roots", false,
     [](auto& errors, const auto& member, Vendor& out) { read_profile_texts(errors, member, out.roots); }},
    {"device_nodes", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_texts(errors, member, out.device_nodes);
     }},
    {"torch_device", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_text(errors, member, out.torch_device);
     }},
    {"visible_devices", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_text(errors, member, out.visible_devices);
     }},
    {"kubernetes_resource", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_text(errors, member, out.kubernetes_resource);
     }},
    {"plugin_sockets", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_texts(errors, member, out.plugin_sockets);
     }},
    {"marks", false, read_marks},
    {"version_tags", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_texts(errors, member, out.version_tags);
     }},
    {"version_files", false,
     [](auto& errors, const auto& member, Vendor& out) {
       read_profile_texts(errors, member, out.version_files);
     }},
    {"libraries", false,
     [](auto& errors, const auto& member, Vendor& out) {
       out.libraries = read_profile_tables<ProfileLibrary>(errors, member, "[[libraries]]", kLibraryRows);
     }},
    {"tools", false,
     [](auto& errors, const auto& member, Vendor& out) {
       out.tools = read_profile_tables<ProfileTool>(errors, member, "[[tools]]", kToolRows);
     }},
    {"packages", false,
     [](auto& errors, const auto& member, Vendor& out) {
       out.packages = read_profile_tables<ProfilePackage>(errors, member, "[[packages]]", kPackageRows);
     }},
    {"capabilities", false, read_capabilities},
    {"sources", true,
     [](auto& errors, const auto& member, Vendor& out) {
       out.sources = read_profile_tables<ProfileSource>(errors, member, "[[sources]]", kSourceRows);
       if (out.sources.empty()) errors.add(member.value.at, "sources is empty");
     }},
};

// "data/profiles/iluvatar.toml" → "iluvatar".
std::string id_of_file(std::string_view path) {
  const std::string name = file_name(std::string(path));
  return name.ends_with(".toml") ? name.substr(0, name.size() - 5) : name;
}

// What no single key shows.
void check_profile(ProfileErrors& errors, const VendorProfile& profile) {
  const TomlPosition start{1, 1};
  if (profile.id.empty() ||
      profile.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    errors.add(start, fmt::format("'{}' is no id: a file is named in small letters, digits and dashes",
                                  printable(profile.id, 60)));
  if (profile.is_neutral && (!profile.pci_vendors.empty() || !profile.capabilities.empty()))
    errors.add(start, "what is neutral has neither pci_vendors nor capabilities");
  for (const auto* paths : {&profile.roots, &profile.device_nodes, &profile.version_files}) {
    for (const std::string& path : *paths) {
      if (!path.starts_with('/') || path.find("..") != std::string::npos)
        errors.add(start, fmt::format("'{}' must be an absolute path", path));
    }
  }
  for (const ProfileLibrary& library : profile.libraries) {
    if (!library.name.starts_with("lib") || !library.name.ends_with(".so"))
      errors.add(start, fmt::format("library '{}' must be named without its version, as in \"libfoo.so\"",
                                    library.name));
  }
}

}  // namespace

std::string_view name_of(Capability capability) {
  return kCapabilityNames[static_cast<size_t>(capability)].second;
}

std::optional<Capability> capability_named(std::string_view name) {
  for (const auto& [capability, known] : kCapabilityNames) {
    if (name == known) return capability;
  }
  return std::nullopt;
}

const ProfileCapability* VendorProfile::find(Capability capability) const {
  const auto found = std::ranges::find(capabilities, capability, &ProfileCapability::capability);
  return found == capabilities.end() ? nullptr : &*found;
}

Result<VendorProfile> ProfileCatalogue::parse(std::string_view text, std::string_view path) {
  ASSIGN_OR_RETURN(const TomlValue document, parse_toml(text, path));
  ProfileErrors errors(path);
  VendorProfile profile = read_profile_table<VendorProfile>(errors, document, "a profile", kProfileRows);
  profile.id = id_of_file(path);
  profile.file = std::string(path);
  check_profile(errors, profile);
  if (!errors.empty()) return std::unexpected(errors.combined());
  return profile;
}

Result<ProfileCatalogue> ProfileCatalogue::make(std::vector<VendorProfile> profiles) {
  std::ranges::sort(profiles, {}, &VendorProfile::id);
  ProfileCatalogue catalogue;
  for (VendorProfile& profile : profiles) {
    if (catalogue.find(profile.id) != nullptr)
      return fail(fmt::format("there are two profiles '{}'", profile.id), profile.file,
                  "Rename one of the files.");
    for (const uint16_t vendor : profile.pci_vendors) {
      if (const VendorProfile* other = catalogue.by_pci_vendor(vendor))
        return fail(fmt::format("PCI vendor {:04x} is {}'s, too", vendor, other->id), profile.file,
                    "Leave it in one of the two.");
    }
    catalogue.profiles_.push_back(std::move(profile));
  }
  for (const VendorProfile& profile : catalogue.profiles_) {
    for (const ProfileLibrary& library : profile.libraries) {
      if (library.clone_of.empty()) continue;
      const VendorProfile* original = catalogue.find(library.clone_of);
      const bool is_there = original != nullptr && original != &profile &&
                            std::ranges::any_of(original->libraries, [&](const ProfileLibrary& other) {
                              return other.name == library.name && other.clone_of.empty();
                            });
      if (!is_there)
        return fail(fmt::format("{} is said to be a clone of {}'s, which has no library of that name",
                                library.name, library.clone_of),
                    profile.file, "Add it there, or leave clone_of out.");
    }
  }
  return catalogue;
}

const ProfileCatalogue& ProfileCatalogue::built_in() {
  static const ProfileCatalogue kCatalogue = [] {
    std::vector<VendorProfile> profiles;
    for (const EmbeddedFile& file : embedded_profiles()) {
      Result<VendorProfile> profile = parse(file.text, file.path);
      CHECK(profile.has_value());  // a test reads every file
      profiles.push_back(std::move(*profile));
    }
    Result<ProfileCatalogue> catalogue = make(std::move(profiles));
    CHECK(catalogue.has_value());
    return std::move(*catalogue);
  }();
  return kCatalogue;
}

const VendorProfile* ProfileCatalogue::find(std::string_view id) const {
  const auto found = std::ranges::find(profiles_, id, &VendorProfile::id);
  return found == profiles_.end() ? nullptr : &*found;
}

const VendorProfile* ProfileCatalogue::by_pci_vendor(uint16_t vendor) const {
  for (const VendorProfile& profile : profiles_) {
    if (std::ranges::find(profile.pci_vendors, vendor) != profile.pci_vendors.end()) return &profile;
  }
  return nullptr;
}

}  // namespace assay
