# abm_layer(NAME USES layers LIBS libraries): common/NAME as a static library abm_NAME.
function(abm_layer name)
  cmake_parse_arguments(L "" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/common/${name}/*.c)
  file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/common/${name}/lua/*.lua)
  if(scripts)
    abm_embed_lua(${name} "${scripts}" sources)
  endif()
  if(sources)
    add_library(abm_${name} STATIC ${sources})
    set(kind PUBLIC)
  else()
    add_library(abm_${name} INTERFACE)
    set(kind INTERFACE)
  endif()
  target_include_directories(abm_${name} ${kind} ${CMAKE_SOURCE_DIR}/common)
  target_compile_definitions(abm_${name} ${kind} ABM_VERSION="${PROJECT_VERSION}")
  foreach(use ${L_USES})
    target_link_libraries(abm_${name} ${kind} abm_${use})
  endforeach()
  foreach(lib ${L_LIBS})
    target_link_libraries(abm_${name} ${kind} abm::${lib})
  endforeach()
endfunction()

# Lua sources become C strings: scripts/cmake/embed-lua.cmake writes one .c per folder.
function(abm_embed_lua layer scripts sources_var)
  set(out ${CMAKE_BINARY_DIR}/generated/${layer}_lua.c)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} "-DDIR=${CMAKE_SOURCE_DIR}/common/${layer}/lua"
            -P ${CMAKE_SOURCE_DIR}/scripts/cmake/embed-lua.cmake
    DEPENDS ${scripts} ${CMAKE_SOURCE_DIR}/scripts/cmake/embed-lua.cmake
    COMMENT "Embedding the Lua of ${layer}")
  set(${sources_var} ${${sources_var}} ${out} PARENT_SCOPE)
endfunction()

# abm_stage(NAME FOLDER): an executable of stages/; everything but main.c is also a library
# NAME_rule for the tests.
function(abm_stage name folder)
  # stages/*.c is what several stages share; a stage links what it calls of it.
  file(GLOB rule CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c ${CMAKE_SOURCE_DIR}/stages/*.c)
  list(FILTER rule EXCLUDE REGEX "/main\\.c$")
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${folder}/main.c)
    return()
  endif()
  add_executable(${name} ${CMAKE_SOURCE_DIR}/${folder}/main.c)
  target_compile_definitions(${name} PRIVATE ABM_VERSION="${PROJECT_VERSION}")
  if(rule)
    add_library(${name}_rule STATIC ${rule})
    target_include_directories(${name}_rule PUBLIC ${CMAKE_SOURCE_DIR}/${folder})
    target_compile_definitions(${name}_rule PRIVATE ABM_VERSION="${PROJECT_VERSION}")
    target_link_libraries(${name}_rule PUBLIC abm_stage abm_evidence abm_abm abm_secrets)
    target_link_libraries(${name} PRIVATE ${name}_rule)
  endif()
  target_link_libraries(${name} PRIVATE abm_stage abm_evidence abm_abm abm_secrets)
endfunction()
