# Every library that assay stands on, found in one place. Debian packages by pkg-config or their CMake files; ggml and
# llama.cpp from ASSAY_LLAMA_ROOT.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)
# A library inside the program cannot be taken for the host's of the same name by a vendor's library that is loaded later.
set(shared_suffixes ${CMAKE_FIND_LIBRARY_SUFFIXES})
if(ASSAY_STATIC_LIBRARIES)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
endif()
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(openssl REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc)
pkg_check_modules(libelf REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(libpci REQUIRED IMPORTED_TARGET libpci)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
# Only its library: with the macro that its package defines, no precompiled header would fit those who link it.
pkg_check_modules(utf8proc REQUIRED libutf8proc)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
if(ASSAY_STATIC_LIBRARIES)
  # What an archive needs stands in no archive. libelf unpacks sections; hwloc reads udev's database.
  find_library(ASSAY_ZLIB z REQUIRED)
  target_link_libraries(PkgConfig::libelf INTERFACE "${ASSAY_ZLIB}")
  target_link_libraries(PkgConfig::hwloc INTERFACE udev m)
  target_link_libraries(PkgConfig::sqlite3 INTERFACE m)
endif()
set(CMAKE_FIND_LIBRARY_SUFFIXES ${shared_suffixes})

find_path(ASSAY_LLAMA_INCLUDE llama.h PATHS "${ASSAY_LLAMA_ROOT}/include" NO_DEFAULT_PATH)
find_library(ASSAY_LLAMA_LIBRARY llama PATHS "${ASSAY_LLAMA_ROOT}/lib" NO_DEFAULT_PATH)
find_library(ASSAY_GGML_LIBRARY ggml PATHS "${ASSAY_LLAMA_ROOT}/lib" NO_DEFAULT_PATH)
find_library(ASSAY_GGML_BASE_LIBRARY ggml-base PATHS "${ASSAY_LLAMA_ROOT}/lib" NO_DEFAULT_PATH)
if(NOT ASSAY_LLAMA_INCLUDE OR NOT ASSAY_LLAMA_LIBRARY OR NOT ASSAY_GGML_LIBRARY OR NOT ASSAY_GGML_BASE_LIBRARY)
  message(FATAL_ERROR "no llama.cpp installation in ${ASSAY_LLAMA_ROOT} (wanted: include/llama.h, lib/libllama.so, "
                      "lib/libggml.so, lib/libggml-base.so).\nRun `make setup`, or pass -DASSAY_LLAMA_ROOT=DIR.")
endif()
add_library(assay_llama INTERFACE)
target_include_directories(assay_llama SYSTEM INTERFACE "${ASSAY_LLAMA_INCLUDE}")
target_link_libraries(assay_llama INTERFACE "${ASSAY_LLAMA_LIBRARY}" "${ASSAY_GGML_LIBRARY}" "${ASSAY_GGML_BASE_LIBRARY}"
                                            Threads::Threads)
