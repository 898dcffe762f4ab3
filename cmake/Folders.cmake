# assay_folder(NAME [COLD] [COLD_ROOMS …] DEPENDS …): the library and the unit-test binary of src/NAME. Files are found by glob,
# so that a new kind of thing is one new file and no edit here. Compile options are the same everywhere, but that COLD folders
# and COLD_ROOMS (folders in it), in which no time is spent while something is measured, are optimised less: that compiles in
# little more than half the time. What nearly every file reads of the standard library and of fmt is compiled once for all of them. `make fuzz`
# builds without, so that no source leans on it.
set(ASSAY_COMMON_HEADERS <algorithm> <array> <charconv> <cmath> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <utility> <variant> <vector> <fmt/format.h>)
add_library(assay_options INTERFACE)
target_include_directories(assay_options INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_BINARY_DIR}/generated")
target_compile_options(assay_options INTERFACE -Wall -Wextra -Werror -Wno-missing-field-initializers)
target_compile_definitions(assay_options INTERFACE TOML_HEADER_ONLY=0)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns of overlapping copies inside std::string where there are none (its bug 105651), and, from precompiled
  # headers, of copies inside libstdc++ that it knows to be right otherwise.
  target_compile_options(assay_options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread)
  # Its garbage collector takes a twentieth of a file's time and more, for memory that is there: 0.9 GB for the largest folder.
  target_compile_options(assay_options INTERFACE "SHELL:--param ggc-min-heapsize=1000000")
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ 12 itself uses a function that it deprecates.
  target_compile_options(assay_options INTERFACE -Wno-deprecated-declarations)
endif()
set(ASSAY_SANITIZER_ENVIRONMENT)
if(ASSAY_SANITIZE)
  # What clang's run-time libraries look for by themselves, to name functions and lines, is a package that nothing else needs.
  find_program(ASSAY_ADDR2LINE addr2line REQUIRED)
  set(names "external_symbolizer_path=${ASSAY_ADDR2LINE}")
  set(ASSAY_SANITIZER_ENVIRONMENT "ASAN_OPTIONS=${names};UBSAN_OPTIONS=${names};TSAN_OPTIONS=${names}")
  # What UBSan finds ends the program: a line on stderr would let a test pass.
  target_compile_options(assay_options INTERFACE -fsanitize=${ASSAY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(assay_options INTERFACE -fsanitize=${ASSAY_SANITIZE})
  if(ASSAY_SANITIZE MATCHES "undefined" AND NOT ASSAY_FUZZ)
    # These take a seventh of such a build and a quarter of its tests. A null pointer is found by ASan where it is used, both
    # by the fuzzers.
    target_compile_options(assay_options INTERFACE -fno-sanitize=null,alignment)
  endif()
endif()

# How the sources of a library are compiled: `temper` is hot or cold. A precompiled header fits the options that it was made
# with only, so each temper has one.
function(assay_compile target temper)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${ASSAY_UNITY} UNITY_BUILD_BATCH_SIZE 0)
  if(temper STREQUAL "cold" AND CMAKE_BUILD_TYPE STREQUAL "Release")
    # At -Og GCC 12 takes values of std::optional that are read only where they are there for uninitialised.
    target_compile_options(${target} PRIVATE -Og $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  else()
    set(temper hot)
  endif()
  get_property(owner GLOBAL PROPERTY ASSAY_COMMON_HEADERS_OF_${temper})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${ASSAY_COMMON_HEADERS})
    set_property(GLOBAL PROPERTY ASSAY_COMMON_HEADERS_OF_${temper} ${target})
  endif()
endfunction()

function(assay_folder name)
  cmake_parse_arguments(ARG "COLD" "" "COLD_ROOMS;DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cc")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    set(rooms)
    foreach(room ${ARG_COLD_ROOMS})
      file(GLOB_RECURSE in_room CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/${room}/*.cc")
      list(FILTER in_room EXCLUDE REGEX "_test\\.cc$")
      if(NOT in_room)
        message(FATAL_ERROR "src/${name}/${room}, which is to be compiled as cold, has no sources")
      endif()
      list(REMOVE_ITEM sources ${in_room})
      list(APPEND rooms ${in_room})
    endforeach()
    add_library(assay_${name} STATIC ${sources})
    target_link_libraries(assay_${name} PUBLIC assay_options ${ARG_DEPENDS})
    if(ARG_COLD)
      assay_compile(assay_${name} cold)
    else()
      assay_compile(assay_${name} hot)
      set_property(GLOBAL APPEND PROPERTY ASSAY_HOT_OBJECTS $<TARGET_OBJECTS:assay_${name}>)
    endif()
    if(rooms)
      add_library(assay_${name}_rooms OBJECT ${rooms})
      target_link_libraries(assay_${name}_rooms PUBLIC assay_options ${ARG_DEPENDS})
      assay_compile(assay_${name}_rooms cold)
      target_sources(assay_${name} PRIVATE $<TARGET_OBJECTS:assay_${name}_rooms>)
    endif()
  else()
    add_library(assay_${name} INTERFACE)
    target_link_libraries(assay_${name} INTERFACE assay_options ${ARG_DEPENDS})
  endif()
  if(tests)
    add_executable(${name}_test EXCLUDE_FROM_ALL ${tests})
    target_link_libraries(${name}_test PRIVATE assay_${name} GTest::gmock_main)
    set_target_properties(${name}_test PROPERTIES UNITY_BUILD ${ASSAY_UNITY} UNITY_BUILD_BATCH_SIZE 0)
    # Tests are run once and compiled often.
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
      target_compile_options(${name}_test PRIVATE -O0)
    endif()
    target_compile_definitions(${name}_test PRIVATE ASSAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # GoogleMock is most of what a test compiles: once for all of them.
    get_property(others GLOBAL PROPERTY ASSAY_UNIT_TESTS)
    if(others)
      list(GET others 0 first)
      target_precompile_headers(${name}_test REUSE_FROM ${first}_test)
    else()
      target_precompile_headers(${name}_test PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    set_property(GLOBAL APPEND PROPERTY ASSAY_UNIT_TESTS ${name})
  endif()
endfunction()
