# The distribution's libraries, each as a target abm::NAME. scripts/install-deps names their packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(abm_pkg name module)
  pkg_check_modules(PKG_${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(abm::${name} ALIAS PkgConfig::PKG_${name})
endfunction()

abm_pkg(yaml yaml-0.1)
abm_pkg(cjson libcjson)
abm_pkg(sodium libsodium)
abm_pkg(hiredis hiredis)
abm_pkg(curl libcurl)
abm_pkg(pcre2 libpcre2-8)
abm_pkg(microhttpd libmicrohttpd)
abm_pkg(cmocka cmocka)
add_library(abm::threads ALIAS Threads::Threads)

# libcsv ships no .pc file.
find_path(CSV_INCLUDE csv.h REQUIRED)
find_library(CSV_LIBRARY csv REQUIRED)
add_library(abm_csv INTERFACE)
target_include_directories(abm_csv SYSTEM INTERFACE ${CSV_INCLUDE})
target_link_libraries(abm_csv INTERFACE ${CSV_LIBRARY})
add_library(abm::csv ALIAS abm_csv)
