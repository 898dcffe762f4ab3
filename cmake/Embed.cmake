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
