# The report's script and style: bundled from web/ with esbuild when something there changes, and taken into the program
# as they are. Needs Node 18 and the packages in ASSAY_NPM_ROOT.
find_program(ASSAY_NODE node REQUIRED)
set(web_dir "${CMAKE_BINARY_DIR}/web")
set(web_modules "${ASSAY_NPM_ROOT}/node_modules")
if(NOT EXISTS "${web_modules}/esbuild" OR NOT EXISTS "${web_modules}/echarts")
  message(FATAL_ERROR "no esbuild and echarts in ${web_modules}.\nRun `make setup`, or pass -DASSAY_NPM_ROOT=DIR.")
endif()
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/web/*.ts" "${CMAKE_SOURCE_DIR}/web/*.css"
                                                "${CMAKE_SOURCE_DIR}/web/*.mjs" "${CMAKE_SOURCE_DIR}/web/*.json")
set(web_bundle "${web_dir}/report.js" "${web_dir}/report.css" "${web_dir}/report.js.sha256")
file(MAKE_DIRECTORY "${web_dir}")
add_custom_command(
  OUTPUT ${web_bundle}
  COMMAND "${ASSAY_NODE}" "${CMAKE_SOURCE_DIR}/web/build.mjs" "${web_modules}" "${web_dir}"
  DEPENDS ${web_sources} "${web_modules}/echarts/package.json" "${web_modules}/esbuild/package.json"
  COMMENT "Bundling web/" VERBATIM)
set_source_files_properties("${CMAKE_SOURCE_DIR}/src/report/assets.cc" PROPERTIES
  OBJECT_DEPENDS "${web_bundle}" COMPILE_DEFINITIONS "ASSAY_WEB_DIR=\"${web_dir}\"")
add_custom_target(web_bundle DEPENDS ${web_bundle})

# The types of web/ hold: what tests/report runs.
file(CONFIGURE OUTPUT "${web_dir}/tsconfig.json" CONTENT [[{
  "extends": "@CMAKE_SOURCE_DIR@/web/tsconfig.json",
  "compilerOptions": {"paths": {"*": ["@web_modules@/*"]}},
  "include": ["@CMAKE_SOURCE_DIR@/web/*.ts", "@CMAKE_SOURCE_DIR@/web/charts/*.ts"]
}
]] @ONLY)
