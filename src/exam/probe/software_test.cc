// Stories about the software of simulated hosts: whose libraries are whose, what is a clone of what, and that
// what is not here is not said to be lacking.
#include "exam/probe/software.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <elf.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "exam/probe/containers.h"
#include "exam/probe/elf_file.h"
#include "exam/probe/elf_test_support.h"
#include "exam/probe/python_environments.h"
#include "exam/probe/stack_files.h"
#include "exam/probe/vendor_calls.h"
#include "os/os.h"

namespace assay::software_test {

using elf_test_support::fake_library;
using elf_test_support::FakeLibrary;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Host : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "host-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(parent_directory(root_ + path));
    std::ofstream(root_ + path, std::ios::binary) << text;
  }
  void program(const std::string& path, const std::string& text = "#!/bin/sh\nexit 1\n") {
    write(path, text);
    ::chmod((root_ + path).c_str(), 0755);
  }
  void library(const std::string& path, FakeLibrary facts = {}) {
    if (facts.soname.empty()) facts.soname = std::string(library_base_name(file_name(path)));
    write(path, fake_library(facts));
  }
  void link(const std::string& target, const std::string& path) {
    std::filesystem::create_directories(parent_directory(root_ + path));
    std::filesystem::create_symlink(target, root_ + path);
  }

  Json look(std::vector<std::string> cards = {},
            const ProfileCatalogue& profiles = ProfileCatalogue::built_in()) {
    Json host = Json::object(), accelerators = Json::array();
    for (const std::string& card : cards) accelerators.push(Json::object().set("profile", card));
    if (!cards.empty()) host.set("accelerators", accelerators);
    SoftwarePlaces places;
    places.roots = HostRoots::of(root_);
    findings_.clear();
    add_software(places, profiles, host, findings_);
    return host;
  }

  std::vector<std::string> codes() const {
    std::vector<std::string> codes;
    for (const Finding& finding : findings_) codes.push_back(finding.code);
    return codes;
  }

  static const Json* of(const Json& list, std::string_view key, std::string_view value) {
    for (const Json& item : list.items()) {
      if (item[key].as_string() == value) return &item;
    }
    return nullptr;
  }
  // The state of a capability of a vendor: "not here: nsys".
  static std::string tooling(const Json& host, std::string_view profile, std::string_view capability) {
    const Json* vendor = of(host["tooling"], "profile", profile);
    if (vendor == nullptr) return "no such vendor";
    const Json* row = of((*vendor)["capabilities"], "capability", capability);
    return (*row)["state"].as_string() + ": " + (*row)["what"].as_string();
  }

  std::string root_;
  std::vector<Finding> findings_;
};

TEST_F(Host, WithoutAnythingEveryMemberIsThereAndEmpty) {
  const Json host = look();
  for (const char* member :
       {"runtimes", "stacks", "tools", "python", "containers", "kubernetes", "tooling"}) {
    ASSERT_NE(host.find(member), nullptr) << member;
    EXPECT_THAT(host[member].items(), IsEmpty()) << member;
  }
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(Host, CorexClonesBearTheNamesOfCudaAndAreNotNvidias) {
  library("/usr/local/corex-4.2.0/lib64/libcudart.so.10.2.89",
          {.soname = "libcudart.so.10.2", .needed = {"libixcl.so"}});
  library("/usr/local/corex-4.2.0/lib64/libixml.so", {.symbols = {"nvmlInit_v2"}});
  link("corex-4.2.0", "/usr/local/corex");
  write("/usr/local/corex-4.2.0/version.txt", "CoreX SDK version 4.2.0\n");
  const Json host = look({"iluvatar"});
  const Json* cudart = of(host["runtimes"], "library", "libcudart.so");
  ASSERT_NE(cudart, nullptr);
  EXPECT_EQ((*cudart)["profile"].as_string(), "iluvatar");
  EXPECT_EQ((*cudart)["clone_of"].as_string(), "NVIDIA CUDA");
  EXPECT_EQ((*cudart)["clone_of_profile"].as_string(), "nvidia");
  EXPECT_EQ((*cudart)["claims_version"].as_string(), "10.2.89");
  EXPECT_EQ((*cudart)["because"].as_string(), "lies in /usr/local/corex-4.2.0 and asks for libixcl.so");
  EXPECT_EQ((*of(host["stacks"], "profile", "iluvatar"))["version"].as_string(), "4.2.0");
  EXPECT_EQ(of(host["tooling"], "profile", "nvidia"), nullptr) << "a clone is no evidence of NVIDIA's stack";
  EXPECT_THAT(codes(), Contains("probe.clone"));
}

TEST_F(Host, ACloneInTheLoadersFolderGivesItselfAwayByWhatItAsksFor) {
  library("/usr/lib64/libcuda.so.1", {.soname = "libcuda.so.1", .needed = {"libmcruntime.so"}});
  library("/usr/lib/x86_64-linux-gnu/libcuda.so.550.54",
          {.soname = "libcuda.so.1", .strings = "NVIDIA driver"});
  const Json host = look();
  std::vector<std::string> owners;
  for (const Json& runtime : host["runtimes"].items()) owners.push_back(runtime["profile"].as_string());
  EXPECT_THAT(owners, ::testing::UnorderedElementsAre("metax", "nvidia"));
  EXPECT_THAT(codes(), Contains("probe.clone-mixed"));
}

TEST_F(Host, ALinkToAnotherNameTellsWhoseItIs) {
  library("/opt/xre/so/libxpucuda.so", {.soname = "libxpucuda.so"});
  link("/opt/xre/so/libxpucuda.so", "/usr/lib64/libcuda.so.1");
  const Json host = look();
  const Json* cuda = of(host["runtimes"], "library", "libcuda.so");
  ASSERT_NE(cuda, nullptr);
  EXPECT_EQ((*cuda)["profile"].as_string(), "kunlun");
  EXPECT_EQ((*cuda)["clone_of_profile"].as_string(), "nvidia");
  EXPECT_THAT((*cuda)["because"].as_string(), HasSubstr("is a link to libxpucuda.so"));
}

TEST_F(Host, HygonsHipIsACloneOfAmds) {
  library("/opt/dtk-24.04/hip/lib/libamdhip64.so.5");
  link("dtk-24.04", "/opt/dtk");
  write("/opt/dtk-24.04/.info/version", "24.04.1\n");
  program("/opt/dtk-24.04/bin/hipcc");
  const Json host = look({"hygon"});
  EXPECT_EQ((*of(host["runtimes"], "library", "libamdhip64.so"))["clone_of"].as_string(), "AMD ROCm");
  EXPECT_EQ((*of(host["tools"], "name", "hipcc"))["profile"].as_string(), "hygon");
  EXPECT_EQ(of(host["tooling"], "profile", "amd"), nullptr);
  EXPECT_THAT(tooling(host, "hygon", "compiler"), HasSubstr("present: hipcc at /opt/dtk-24.04/bin/hipcc"));
}

TEST_F(Host, ANameThatTwoVendorsHaveIsToldByItsFolderOrNotAtAll) {
  library("/opt/maca/lib/libmccl.so");
  const Json metax = look();
  EXPECT_EQ((*of(metax["runtimes"], "library", "libmccl.so"))["profile"].as_string(), "metax");
  EXPECT_EQ((*of(metax["runtimes"], "library", "libmccl.so")).find("clone_of"), nullptr);
  std::filesystem::remove_all(root_ + "/opt");
  library("/usr/lib64/libmccl.so");
  const Json nobody = look();
  EXPECT_EQ((*of(nobody["runtimes"], "library", "libmccl.so")).find("profile"), nullptr);
  EXPECT_THAT((*of(nobody["runtimes"], "library", "libmccl.so"))["because"].as_string(),
              HasSubstr("nothing tells"));
}

TEST_F(Host, AnotherProjectsLibraryOfTheSameNameIsNotTheVendors) {
  library("/usr/lib64/libixml.so.11", {.soname = "libixml.so.11", .symbols = {"ixmlDocument_createElement"}});
  EXPECT_THAT(look()["runtimes"].items(), IsEmpty());
}

TEST_F(Host, WrongMachinesCutFilesAndGarbageAreFindings) {
  library("/bin/sh");
  library("/usr/local/Ascend/driver/lib64/libdcmi.so",
          {.machine = static_cast<uint16_t>(own_machine() == "aarch64" ? EM_X86_64 : EM_AARCH64)});
  write("/usr/lib64/libcnrt.so", fake_library({.soname = "libcnrt.so"}).substr(0, 200));
  write("/usr/lib64/libmusa.so", "garbage");
  write("/usr/lib64/libOpenCL.so", "/* GNU ld script */ INPUT ( libOpenCL.so.1 )");
  const Json host = look();
  EXPECT_THAT(codes(), Contains("probe.library-machine"));
  EXPECT_EQ(std::ranges::count(codes(), "probe.library-unreadable"), 2);
  EXPECT_EQ(of(host["runtimes"], "library", "libOpenCL.so"), nullptr);
  EXPECT_EQ((*of(host["runtimes"], "library", "libmusa.so")).find("machine"), nullptr);
  EXPECT_EQ(of(host["tooling"], "profile", "mthreads"), nullptr) << "a file that is no library is no stack";
}

TEST_F(Host, WhereNothingTellsTheHostsMachineNoLibraryIsForAnother) {
  library("/usr/local/Ascend/driver/lib64/libdcmi.so", {.machine = EM_AARCH64});
  library("/usr/local/Ascend/driver/lib64/libascendcl.so", {.machine = EM_X86_64});
  look();
  EXPECT_THAT(codes(), Not(Contains("probe.library-machine")));
}

TEST_F(Host, MoreLibrariesThanAreReadAreSaidToBeMore) {
  for (int i = 0; i < 401; ++i)
    library(std::to_string(i).insert(0, "/usr/lib64/libcuda.so.1."), {.soname = "libcuda.so.1"});
  const Json host = look();
  EXPECT_EQ(host["runtimes"].items().size(), 400u);
  EXPECT_THAT(codes(), Contains("probe.stack-cut-off"));
}

TEST_F(Host, A32BitCopyBesideTheLibraryIsNoFault) {
  library("/usr/lib/libcuda.so.550.54", {.machine = EM_386, .soname = "libcuda.so.1"});
  library("/usr/lib64/libcuda.so.550.54",
          {.machine = static_cast<uint16_t>(own_machine() == "aarch64" ? EM_AARCH64 : EM_X86_64),
           .soname = "libcuda.so.1"});
  look();
  EXPECT_THAT(codes(), Not(Contains("probe.library-machine")));
}

TEST_F(Host, NotHereNeverReadsAsLackingAndUnknownStaysUnknown) {
  const Json host = look({"biren"});
  EXPECT_EQ(tooling(host, "biren", "compiler"), "not here: brcc");
  EXPECT_EQ(tooling(host, "biren", "profiler"), "unknown: ");
  for (const Json& vendor : host["tooling"].items()) {
    for (const Json& row : vendor["capabilities"].items()) EXPECT_NE(row["state"].as_string(), "none");
  }
  EXPECT_THAT(codes(), Contains("probe.no-runtime"));
}

TEST_F(Host, NoneIsSaidOnlyWhereASourceSaysSo) {
  auto made_up = ProfileCatalogue::parse(
      "name = \"Made up\"\npci_vendors = [\"1234\"]\n[[sources]]\nsource = \"https://example.org/\"\ndate = 2026-11-30\n"
      "[[capabilities]]\ncapability = \"debugger\"\nexists = false\nwhat = \"there is no debugger\"\n"
      "source = \"https://example.org/faq\"\ndate = 2026-11-30\n",
      "made-up.toml");
  ASSERT_TRUE(made_up.has_value());
  const auto catalogue = ProfileCatalogue::make({*made_up});
  ASSERT_TRUE(catalogue.has_value());
  const Json host = look({"made-up"}, *catalogue);
  const Json& rows = host["tooling"].items().at(0)["capabilities"];
  EXPECT_EQ((*of(rows, "capability", "debugger"))["state"].as_string(), "none");
  EXPECT_EQ((*of(rows, "capability", "debugger"))["source"].as_string(), "https://example.org/faq");
  EXPECT_EQ((*of(rows, "capability", "compiler"))["state"].as_string(), "unknown");
}

TEST_F(Host, DriversAndDeviceNodesAreEvidenceOfAVendor) {
  write("/sys/module/cambricon_drv/version", "5.10");
  write("/dev/mtgpu.0", "");
  const Json host = look();
  EXPECT_EQ((*of(host["tooling"], "profile", "cambricon"))["because"].as_string(),
            "the driver cambricon_drv");
  EXPECT_EQ((*of(host["tooling"], "profile", "mthreads"))["because"].as_string(), "/dev/mtgpu.0");
}

TEST_F(Host, AToolThatTwoVendorsHaveGoesToTheOneWhoIsHere) {
  program("/usr/bin/xpu-smi");
  EXPECT_EQ((*of(look({"kunlun"})["tools"], "name", "xpu-smi"))["profile"].as_string(), "kunlun");
  EXPECT_EQ((*of(look({"intel"})["tools"], "name", "xpu-smi"))["profile"].as_string(), "intel");
  EXPECT_EQ((*of(look()["tools"], "name", "xpu-smi")).find("profile"), nullptr);
  EXPECT_THAT(codes(), Contains("probe.tool-ambiguous"));
}

TEST_F(Host, AGeneralCompilerIsAVendorsOnlyInItsStack) {
  program("/usr/bin/clang++");
  program("/usr/local/corex/bin/clang++");
  const Json host = look();
  ASSERT_EQ(host["tools"].items().size(), 1u);
  EXPECT_EQ(host["tools"].items()[0]["path"].as_string(), "/usr/local/corex/bin/clang++");
}

TEST_F(Host, PythonTellsAForkByItsVersionOrSummary) {
  program("/usr/bin/python3.10");
  link("python3.10", "/usr/bin/python3");
  const std::string site = "/usr/local/lib/python3.10/dist-packages/";
  write(site + "torch-2.1.0+corex.4.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: torch\nVersion: 2.1.0+corex.4.0\n\nVersion: 9\n");
  write(site + "vllm-0.27.1.dist-info/METADATA",
        "Name: vllm\nVersion: 0.27.1\nSummary: vLLM for Iluvatar GPUs\n");
  write(site + "torch_npu-2.1.0.post8.egg-info/PKG-INFO", "Name: torch_npu\nVersion: 2.1.0.post8\n");
  write(site + "numpy-1.26.4.dist-info/METADATA", "Name: numpy\nVersion: 1.26.4\n");
  const Json host = look();
  ASSERT_EQ(host["python"].items().size(), 1u);
  const Json& python = host["python"].items()[0];
  EXPECT_EQ(python["version"].as_string(), "3.10");
  EXPECT_EQ((*of(python["packages"], "name", "torch"))["profile"].as_string(), "iluvatar");
  EXPECT_EQ((*of(python["packages"], "name", "torch"))["version"].as_string(), "2.1.0+corex.4.0");
  EXPECT_EQ((*of(python["packages"], "name", "vllm"))["profile"].as_string(), "iluvatar");
  EXPECT_EQ((*of(python["packages"], "name", "torch_npu"))["profile"].as_string(), "ascend");
  EXPECT_EQ(of(python["packages"], "name", "numpy"), nullptr);
}

TEST_F(Host, AVirtualEnvironmentIsReadByItsOwnFolders) {
  program("/opt/venv/bin/python3");
  write("/opt/venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.11.2\n");
  write("/opt/venv/lib/python3.11/site-packages/triton-3.1.0.dist-info/METADATA",
        "Name: triton\nVersion: 3.1.0\n");
  write("/usr/lib/python3/dist-packages/torch-1.13.1.egg-info/PKG-INFO", "Name: torch\nVersion: 1.13.1\n");
  write("/usr/lib/python3.9/site-packages/onnxruntime-1.0.dist-info/METADATA",
        "Name: onnxruntime\nVersion: 1.0\n");
  const HostTree tree(root_);
  const auto found = find_python(tree, ProfileCatalogue::built_in(),
                                 {.interpreters = {"/opt/venv/bin/python3", "/none", "x"}});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].version, "3.11.2");
  ASSERT_EQ(found[0].packages.size(), 2u);
  EXPECT_EQ(found[0].packages[0].name, "torch");
  EXPECT_EQ(found[0].packages[1].name, "triton");
  EXPECT_EQ(found[1].error, "there is no such program or folder");
  EXPECT_EQ(found[2].error, "is no absolute path");
}

TEST_F(Host, ContainersAndPluginsAreReadFromTheirFiles) {
  program("/usr/bin/docker");
  program("/usr/bin/ix-container-runtime");
  write("/etc/docker/daemon.json",
        R"({"runtimes": {"iluvatar": {"path": "/usr/bin/ix-container-runtime"}, "other": {}}})");
  write("/etc/cdi/ix.yaml", "cdiVersion: 0.5.0\nkind: iluvatar.com/gpu\ndevices:\n- name: \"0\"\n");
  write("/var/run/cdi/broken.json", "{}");
  write("/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint",
        R"({"Data": {"RegisteredDevices": {"iluvatar.com/gpu": ["a", "b"]}}, "Checksum": 1})");
  const Json host = look({"iluvatar"});
  EXPECT_EQ(of(host["containers"], "name", "docker")->find("profile"), nullptr);
  EXPECT_EQ((*of(host["containers"], "name", "docker's run-time iluvatar"))["profile"].as_string(),
            "iluvatar");
  EXPECT_EQ((*of(host["containers"], "name", "CDI devices iluvatar.com/gpu"))["profile"].as_string(),
            "iluvatar");
  const Json* plugin = of(host["kubernetes"], "name", "device plug-in iluvatar.com/gpu");
  ASSERT_NE(plugin, nullptr);
  EXPECT_EQ((*plugin)["devices"].as_integer(), 2);
  EXPECT_THAT(tooling(host, "iluvatar", "container run-time"), HasSubstr("present: ix-container-runtime"));
  EXPECT_THAT(tooling(host, "iluvatar", "Kubernetes plug-in"),
              HasSubstr("present: device plug-in iluvatar.com/gpu"));
  EXPECT_THAT(codes(), Contains("probe.file-unreadable"));
}

TEST_F(Host, ASocketOfADevicePluginIsSeen) {
  const std::string folder = root_ + "/var/lib/kubelet/device-plugins";
  std::filesystem::create_directories(folder);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + "/nvidia-gpu.sock";
  if (path.size() >= sizeof address.sun_path) GTEST_SKIP() << "the folder's name is too long for a socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const Json host = look();
  ::close(fd);
  EXPECT_EQ((*of(host["kubernetes"], "name", "device plug-in nvidia-gpu.sock"))["profile"].as_string(),
            "nvidia");
}

TEST(Texts, VersionsNamesAndKindsAreFound) {
  EXPECT_EQ(first_version("nvcc: NVIDIA (R)\nCopyright (c) 2005-2024\nCuda, release 12.4, V12.4.99"), "12.4");
  EXPECT_EQ(first_version("Version=24.1.rc2\n"), "24.1.rc2");
  EXPECT_EQ(first_version("none 3 4"), "");
  EXPECT_EQ(library_base_name("libcuda.so.550.54.14"), "libcuda.so");
  EXPECT_EQ(library_base_name("libcuda.so.bak"), "");
  EXPECT_EQ(library_base_name("libcuda.sound"), "");
  EXPECT_EQ(library_file_version("libcuda.so.550.54.14"), "550.54.14");
  EXPECT_EQ(cdi_kind("cdiVersion: \"0.6.0\"\nkind: \"nvidia.com/gpu\"\n"), "nvidia.com/gpu");
  EXPECT_EQ(cdi_kind(R"({"cdiVersion":"0.6.0","kind":"nvidia.com/gpu","devices":[]})"), "nvidia.com/gpu");
  EXPECT_EQ(cdi_kind("mankind: a/b"), "");
  EXPECT_EQ(cdi_kind(""), "");
}

TEST(FrameworkDevices, LinesOfOthersArePassedOver) {
  const auto devices = parse_framework_devices(
      "warning\nassay-devices {\"framework\": \"torch\", \"device\": \"cuda\", \"count\": 8, \"name\": \"Iluvatar BI-V150\"}\n"
      "assay-devices {\"framework\": \"x\", \"error\": \"no\"}\nassay-devices nonsense\n");
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].count, 8);
  EXPECT_EQ(devices[0].name, "Iluvatar BI-V150");
}

TEST_F(Host, VendorsToolsAreAskedSideBySideAndABadOneIsAFinding) {
  program("/bin/good", "#!/bin/sh\necho 'good version 3.2.1'\n");
  program("/bin/bad", "#!/bin/sh\nkill -SEGV $$\n");
  program("/bin/lacking", "#!/bin/sh\necho 'lacking: libfoo.so.1.2: cannot open' >&2\nexit 127\n");
  program("/bin/other", "#!/bin/sh\necho 'unknown flag; libfoo 4.5 is here' >&2\nexit 1\n");
  std::vector<FoundTool> tools(4);
  tools[0] = {.name = "good", .path = root_ + "/bin/good", .version_flag = "--version"};
  tools[1] = {.name = "bad", .path = root_ + "/bin/bad", .version_flag = "--version"};
  tools[2] = {.name = "lacking", .path = root_ + "/bin/lacking", .version_flag = "--version"};
  tools[3] = {.name = "other", .path = root_ + "/bin/other", .version_flag = "--version"};
  const VendorAnswers answers = ask_vendors(tools, {}, {{"PATH", "/usr/bin:/bin"}});
  EXPECT_EQ(tools[0].version, "3.2.1");
  EXPECT_EQ(tools[1].version, "");
  EXPECT_EQ(tools[2].version, "") << "that of the library that it lacks";
  EXPECT_EQ(tools[3].version, "") << "of a tool that fails only what it prints counts";
  ASSERT_EQ(answers.findings.size(), 2u);
  EXPECT_THAT(answers.findings[0].text, AllOf(HasSubstr("/bin/bad"), HasSubstr("signal 11")));
  EXPECT_THAT(answers.findings[1].text, AllOf(HasSubstr("exit code 127"), HasSubstr("libfoo.so.1.2")));
}

TEST_F(Host, APythonFrameworkAnswersCrashesOrHasNone) {
  program(
      "/env/bin/python3",
      "#!/bin/sh\nif [ \"$3\" = torch ]; then echo 'assay-devices {\"framework\": \"torch\", \"device\": \"npu\", "
      "\"count\": 2}'; else kill -ABRT $$; fi\n");
  PythonEnvironment environment;
  environment.interpreter = root_ + "/env/bin/python3";
  environment.packages = {{.name = "torch", .module = "torch"},
                          {.name = "onnxruntime", .module = "onnxruntime"}};
  std::vector<FoundTool> none;
  const VendorAnswers answers = ask_vendors(none, {environment}, {{"PATH", "/usr/bin:/bin"}});
  ASSERT_EQ(answers.python.size(), 1u);
  ASSERT_EQ(answers.python[0].devices.size(), 1u);
  EXPECT_EQ(answers.python[0].devices[0].device, "npu");
  EXPECT_THAT(answers.python[0].error, HasSubstr("importing onnxruntime ended with signal 6"));
}

}  // namespace assay::software_test
