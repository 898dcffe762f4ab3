// Stories about the names of those whose kernels are measured.
#include "report/kernel_source.h"

#include <gtest/gtest.h>

namespace assay::kernel_source_test {

Record of(const char* key, const char* name) {
  Record record;
  record.conditions = Json::object();
  if (*key != '\0') record.conditions.set(key, name);
  return record;
}

TEST(KernelSource, IsTheLibraryOfAKitOrTheEnginesOwn) {
  EXPECT_EQ(kernels_of(of("library", "cuBLAS through PyTorch 2.1.0+corex")),
            "cuBLAS through PyTorch 2.1.0+corex");
  EXPECT_EQ(kernels_of(of("kernels_of", "ggml")), "ggml");
  EXPECT_EQ(kernels_of(of("", "")), "");
}

TEST(KernelSource, IsShortInCharts) {
  EXPECT_EQ(short_kernels_of(of("library", "cuBLAS through PyTorch 2.1.0+corex")), "cuBLAS");
  EXPECT_EQ(short_kernels_of(of("library", "PyTorch 2.13.0+cu130")), "PyTorch");
  EXPECT_EQ(short_kernels_of(of("library", "the vendor's own library of kernels")), "the vendor's ow…");
  EXPECT_EQ(short_kernels_of(of("library", "2")), "2");
}

TEST(KernelSource, EachIsCounted) {
  const Record ggml = of("kernels_of", "ggml"), kit = of("library", "oneDNN"), unnamed = of("", "");
  EXPECT_EQ(counted_by_source({&ggml, &kit, &ggml, &unnamed}),
            "2 of ggml, 1 of oneDNN, 1 of an unnamed library");
}

TEST(KernelSource, AKitIsKnownByItsLibrary) {
  DossierContent content;
  content.records = {of("kernels_of", "ggml")};
  content.records[0].subject_id = 1;
  EXPECT_FALSE(has_kit(content, 1));
  content.records.push_back(of("library", "oneDNN"));
  content.records[1].subject_id = 1;
  EXPECT_TRUE(has_kit(content, 1));
  EXPECT_FALSE(has_kit(content, 2));
}

}  // namespace assay::kernel_source_test
