# assay_embed(LIBRARY NAME FILE): puts the bytes of FILE into the library, as `std::string_view assay::embedded_NAME()`.
# The assembler reads the file, so that text of any size costs no compile time; a changed file is embedded anew.
function(assay_embed library name file)
  set(source "${CMAKE_BINARY_DIR}/generated/embedded/${name}.cc")
  get_filename_component(ASSAY_EMBED_FILE "${file}" ABSOLUTE BASE_DIR "${CMAKE_SOURCE_DIR}")
  set(ASSAY_EMBED_NAME "${name}")
  configure_file("${CMAKE_SOURCE_DIR}/cmake/embedded.cc.in" "${source}" @ONLY)
  # In unity what an object depends on would be forgotten, and a changed file not be seen.
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${ASSAY_EMBED_FILE}"
    SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${library} PRIVATE "${source}")
endfunction()

# assay_embed_folder(LIBRARY NAME PATTERN): the files of the sources that match PATTERN, in the order of their names, as
# `std::span<const assay::EmbeddedFile> assay::embedded_NAME()`. A new file is one more, without a line of C++.
function(assay_embed_folder library name pattern)
  set(source "${CMAKE_BINARY_DIR}/generated/embedded/${name}.cc")
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${pattern}")
  list(SORT files)
  if(NOT files)
    message(FATAL_ERROR "no file matches ${pattern}")
  endif()
  set(ASSAY_EMBED_NAME "${name}")
  set(ASSAY_EMBED_BYTES "")
  set(ASSAY_EMBED_SYMBOLS "")
  set(ASSAY_EMBED_ROWS "")
  set(count 0)
  foreach(file ${files})
    set(symbol "assay_embedded_${name}_${count}")
    file(RELATIVE_PATH path "${CMAKE_SOURCE_DIR}" "${file}")
    string(APPEND ASSAY_EMBED_BYTES "asm(\".section .rodata\\n\"\n"
      "    \".global ${symbol}_begin\\n.hidden ${symbol}_begin\\n.global ${symbol}_end\\n.hidden ${symbol}_end\\n\"\n"
      "    \"${symbol}_begin:\\n.incbin \\\"${file}\\\"\\n${symbol}_end:\\n.byte 0\\n.previous\\n\");\n")
    string(APPEND ASSAY_EMBED_SYMBOLS
      "extern __attribute__((visibility(\"hidden\"))) const char ${symbol}_begin[], ${symbol}_end[];\n")
    string(APPEND ASSAY_EMBED_ROWS
      "      {\"${path}\", {${symbol}_begin, static_cast<size_t>(${symbol}_end - ${symbol}_begin)}},\n")
    math(EXPR count "${count} + 1")
  endforeach()
  configure_file("${CMAKE_SOURCE_DIR}/cmake/embedded_folder.cc.in" "${source}" @ONLY)
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${files}" SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${library} PRIVATE "${source}")
endfunction()
